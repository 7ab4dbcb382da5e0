"""A lake with one source, small enough to say row by row what it holds."""

import yaml

from tests import nights

EQUATION = 'read = "new" + replaced + unchanged + superseded + deleted + rejected'
COLUMNS = {"feedback_id": "id", "response_id": "response", "submitted_at": "created", "updated_at": "changed",
           "text": "comment", "nps": "nps"}  # fmt: skip


def config(tmp_path, tiny, **source):
    settings = {
        "lake": "lake", "model": str(tiny), "taxonomies": ["general"],
        "sources": {"survey": {"timezone": "UTC", "columns": COLUMNS, "attributes": False} | source},
    }  # fmt: skip
    path = tmp_path / "night.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def counts(path, **options):
    found = nights.run(path, **options)["survey"]
    lake = path.parent / "lake"
    assert nights.query(lake, f"SELECT count(*) FROM runs WHERE NOT ({EQUATION})") == [(0,)]
    return {name: count for name, count in found.items() if count}


def ids(path):
    return [id for (id,) in nights.query(path.parent / "lake", "SELECT feedback_id FROM feedback ORDER BY 1")]


def row(number, created, changed="", text="The delivery was late", nps="5", response=None, **more):
    return {"id": str(number), "response": response or str(number), "created": created, "changed": changed,
            "comment": text, "nps": nps} | more  # fmt: skip


def write(path, rows):
    lines = (
        [",".join(rows[0])] + [",".join(one.values()) for one in rows]
        if rows
        else ["id,response,created,changed,comment,nps"]
    )
    path.write_text("\n".join(lines) + "\n")
