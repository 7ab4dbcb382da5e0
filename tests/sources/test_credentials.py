import pytest

from cx_nlp.errors import UsageError
from cx_nlp.sources import credentials
from cx_nlp.sources.credentials import fill, refuse_literal, refuse_literal_options


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:s3cr3t@db/x", "mysql+pymysql://u:${PART}s3cr3t@db/x", "https://host/f.csv?sig=s3cr3t",
        "https://host/f.csv?a=b&X-Amz-Signature=s3cr3t", "postgresql://db/x?password=s3cr3t", "ftp://u:s3@cr3t@h/f",
        "snowflake://a/b?api_key=s3cr3t", "https://h/f?access_token=s3cr3t",
    ],
)  # fmt: skip
def test_a_literal_secret_is_refused_without_being_repeated(url):
    with pytest.raises(UsageError, match=r"in plain text; write \$\{NAME\}") as caught:
        refuse_literal(url)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        None, "${CX_DATABASE}", "postgresql://${USER}:${PASSWORD}@db/x", "postgresql://reader@db/x", "s3://bucket/*.csv",
        "sqlite:///feedback.db", "https://h/f?token=${T}", "postgresql://db/x?sslmode=require", "https://h/f?page=2",
    ],
)  # fmt: skip
def test_what_holds_no_secret_passes(url):
    assert refuse_literal(url) is None


def test_options_are_looked_through():
    refuse_literal_options({"anon": True, "secret": "${S}", "client_kwargs": {"endpoint_url": "http://h"}})
    with pytest.raises(UsageError, match=r"options\.aws_secret_access_key is in plain text"):
        refuse_literal_options({"client_kwargs": {"aws_secret_access_key": "abc"}})


def test_user_and_password_are_encoded_and_a_whole_url_is_taken_as_it_is(monkeypatch):
    monkeypatch.setenv("WORD", "p@ss/w:rd?")
    assert fill("postgresql://u:${WORD}@db/x", where="w").text == "postgresql://u:p%40ss%2Fw%3Ard%3F@db/x"
    assert fill("https://h/f?sig=${WORD}", where="w").text == "https://h/f?sig=p%40ss%2Fw%3Ard%3F"
    monkeypatch.setenv("ALL", "postgresql://u:p%40ss@db/x")
    assert fill("${ALL}", where="w").text == "postgresql://u:p%40ss@db/x"


def test_an_unset_variable_is_named(monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(UsageError, match=r"sources\.s\.url: environment variable NOT_SET is not set"):
        fill("postgresql://u:${NOT_SET}@db/x", where="sources.s.url")


def test_no_form_of_a_secret_shows(monkeypatch):
    monkeypatch.setenv("WORD", "p@ss w/rd")
    monkeypatch.setenv("ALL", "https://me:top%20secret@h/f?X-Sig=abcdef123")
    filled = fill("postgresql://u:${WORD}@db/x", where="w")
    whole = fill("${ALL}", where="w")
    hidden = filled.hide(f"failed for p@ss w/rd and p%40ss%20w%2Frd at {filled.text}")
    assert "rd" not in hidden and hidden.count("***") == 3
    assert "p@ss" not in repr(filled) and "secret" not in repr(whole)
    for piece in ("top%20secret", "top secret", "abcdef123", "me:top%20secret"):
        assert piece not in whole.hide(f"GET {whole.text}: {piece}")


def test_a_secret_is_hidden_whatever_its_white_space(monkeypatch):
    """A file of a secret often ends in a line break, which the environment then holds, and a message is folded."""
    monkeypatch.setenv("LINE", "s3cr3t-w0rd\n")
    monkeypatch.setenv("WIDE", "pass  w0rd")
    _, hidden = credentials.fill_options({"key": "${LINE}", "word": "${WIDE}"}, where="w")
    filled = credentials.Filled("", hidden)
    assert filled.hide("refused s3cr3t-w0rd and s3cr3t-w0rd\n, pass  w0rd") == "refused *** and *** , ***"
    assert credentials.Filled("", ("\n",)).hide("all is well") == "all is well"


def test_a_message_is_one_short_line_without_personal_data():
    said = credentials.Filled("").hide("Failed\n  for jo@example.com " + "x" * 500)
    assert said.startswith("Failed for [EMAIL]") and len(said) <= credentials.MAX_TEXT


def test_a_block_is_looked_up_by_whoever_runs_the_source():
    from cx_nlp.errors import TransientError
    from cx_nlp.sources.credentials import looking_up

    def look_up(name):
        if name == "secret/away":
            raise ConnectionError("could not fetch s3cr3t from the server")
        return {"secret/word": "s3cr3t/w@rd:", "aws/prod.key": "abc"}[name]

    url = "postgresql://reader:${block:secret/word}@host/db"
    credentials.refuse_literal(url)
    with pytest.raises(UsageError, match="url holds a password in plain text"):
        credentials.refuse_literal("postgresql://reader:${block:secret/word}hunter2@host/db")
    with pytest.raises(UsageError, match=r"u: block secret/word can only be read within a flow"):
        credentials.fill(url, where="u")
    with looking_up(look_up):
        filled = credentials.fill(url, where="u")
        assert filled.text == "postgresql://reader:s3cr3t%2Fw%40rd%3A@host/db"
        assert "s3cr3t" not in filled.hide("cannot log in with s3cr3t/w@rd: or s3cr3t%2Fw%40rd%3A") + repr(filled)
        assert credentials.fill_options({"key": "${block:aws/prod.key}"}, where="o") == ({"key": "abc"}, ("abc",))
        with pytest.raises(UsageError, match="u: block secret/none is not known"):
            credentials.fill("${block:secret/none}", where="u")
        with pytest.raises(TransientError, match="u: block secret/away cannot be read: ConnectionError") as caught:
            credentials.fill("${block:secret/away}", where="u")
        assert "s3cr3t" not in str(caught.value) and caught.value.__suppress_context__
    with pytest.raises(UsageError, match="within a flow"):
        credentials.fill(url, where="u")
