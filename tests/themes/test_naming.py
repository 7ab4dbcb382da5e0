from cx_nlp.themes.naming import names, words


def people(clusters):
    return [[f"c{i}" for i in range(len(cluster))] for cluster in clusters]


def test_the_words_of_a_group_name_it():
    clusters = [
        ["the colour screen", "colour screen", "cracked screen", "a colour screen"],
        ["battery", "the battery", "battery life"] * 2,
    ]
    assert names(clusters, people(clusters), ["the phone", "phone", "a screen"]) == ["colour screen", "battery"]


def test_names_of_persons_places_and_placeholders_are_no_names():
    clusters = [
        ["Alder", "Alder", "to Alder", "Birch", "Birch"],
        ["[NAME]", "[EMAIL]", "[NAME] [PHONE]"],
        ["12", "24/7", "111"],
    ]
    assert names(clusters, people(clusters)) == [None, None, None]
    # A capital at the start of a sentence, or a shouted text, makes no name.
    shouted = [["Refund", "refund", "the refund", "REFUND", "refunds"]]
    assert names(shouted, people(shouted)) == ["refund"]


def test_what_one_person_says_names_nothing():
    cluster = [["secret word", "secret word", "parcel", "parcel", "parcel"]]
    assert names(cluster, [["c1", "c1", "c1", "c2", "c3"]]) == ["parcel"]
    assert names([["parcel"] * 5], [["c1"] * 5]) == [None]


def test_names_are_different_and_new():
    clusters = [["red parcel", "parcel", "parcel", "red thing", "red thing"], ["parcel", "parcel", "parcel"]]
    first, second = names(clusters, people(clusters), taken={"parcel"})
    assert first != second and {first, second} & {"parcel"} == set()


def test_hostile_texts_are_only_text():
    clusters = [["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "'; DROP TABLE themes; --", "", "…"]] * 2
    assert names(clusters, people(clusters)) == [None, None]
    assert words("'; DROP TABLE themes; --") == ["DROP", "TABLE", "themes"] and names([], []) == []
