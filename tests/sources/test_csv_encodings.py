"""CSV files whose bytes are to be told first: encodings, gzip, files that are none, and a disk that refuses."""

import gzip
import os
from pathlib import Path

import pytest

from cx_nlp.errors import SourceError, TransientError
from tests.sources.csv_files import read, records, write


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Café £5 – “lovely” 😀"),
        ("utf-8-sig", "Café £5"),
        ("utf-16", "Café £5 – “lovely” 😀"),
        ("utf-16-le", "Café £5 – rude staff"),
        ("utf-16-be", "Café £5 – rude staff"),
        ("utf-32", "Café £5"),
        ("cp1252", "Café £5 was lovely"),
        ("cp1252", "I didn’t like it – “rude” staff… 20 €"),
        ("cp1252", "Der Service war großartig, über alle Maßen schön"),
        ("cp1252", "£5"),
        ("cp1251", "Очень хороший сервис, спасибо большое. Плохо, никогда не приду"),
        ("cp1250", "Świetna obsługa, dziękuję bardzo. Źle, nigdy więcej, łóżko"),
        ("shift_jis", "とても良いサービスでした。ありがとうございます"),
        ("gbk", "服务非常好，谢谢你们的帮助。太慢了，不满意"),
    ],
)
def test_encodings_are_found(tmp_path, encoding, text):
    assert records(write(tmp_path, f'id,text\n1,"{text}"\n', encoding=encoding)) == [["1", text]]


def test_first_accent_far_into_the_file(tmp_path):
    body = "id,text\n" + "1,plain words only\n" * 20_000
    assert records(write(tmp_path, body + "2,Café\n"))[-1] == ["2", "Café"]
    assert records(write(tmp_path, body + "2,Café £5\n", encoding="cp1252"))[-1] == ["2", "Café £5"]


def test_stray_bytes_in_utf8_are_read_as_cp1252(tmp_path):
    content = "id,text\n1,Café Müller naïve\n2,".encode() + "£5 – déjà".encode("cp1252") + "\n3,Łódź\n".encode()
    assert [row[1] for row in records(write(tmp_path, content))] == ["Café Müller naïve", "£5 – déjà", "Łódź"]


def test_given_encoding(tmp_path):
    path = write(tmp_path, "id,text\n1,Łódź\n", encoding="cp1250")
    assert records(path, encoding="cp1250") == [["1", "Łódź"]]
    with pytest.raises(SourceError, match=r"survey\.csv: not utf-8 \(first at line 2\)"):
        read(path, encoding="utf-8")
    for unknown in ("utf9", "hex", "\0"):
        with pytest.raises(SourceError, match="unknown encoding"):
            read(path, encoding=unknown)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (os.urandom(50_000).replace(b"\x1f\x8b", b""), "binary data"),
        (bytes(4096), "binary data"),
        (b"PK\x03\x04" + bytes(100), "Excel workbook"),
        (b"PAR1" + bytes(100), "kind: parquet"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
    ],
)
def test_binary_files_give_one_line(tmp_path, content, message):
    with pytest.raises(SourceError, match=message) as caught:
        read(write(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_gzip_by_content_whatever_the_name(tmp_path):
    packed = gzip.compress("id,text\n1,Café\n".encode())
    for name in ("survey.csv.gz", "survey.csv"):
        frame, positions, _ = read(write(tmp_path, packed, name))
        assert frame["text"].tolist() == ["Café"]
        assert positions == [f"{name}:2"]


def test_broken_gzip(tmp_path):
    packed = gzip.compress(os.urandom(1000).hex().encode())
    for content in (packed[:-20], packed[:12] + b"\xff\xff\xff" + packed[15:]):
        with pytest.raises(SourceError, match="broken gzip file"):
            read(write(tmp_path, content, "survey.csv.gz"))


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="is a directory"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(PermissionError(13, "Permission denied"), SourceError), (OSError(116, "Stale file handle"), TransientError)],
)
def test_errors_of_the_file_system(tmp_path, monkeypatch, error, kind):
    path = write(tmp_path, "id,text\n1,a\n")

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(kind) as caught:
        read(path)
    assert "survey.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
