"""python -m cx_nlp.sample: write a sample with planted facts into a folder."""

import datetime as dt
import sys
from pathlib import Path

import click

from cx_nlp.errors import CxError
from cx_nlp.sample import world
from cx_nlp.sample.facts import load_facts
from cx_nlp.sample.generate import stream, write


@click.command()
@click.option("--seed", type=int, default=3, show_default=True, help="the same seed gives the same bytes")
@click.option("--rows", type=int, default=1200, show_default=True, help="about so many records")
@click.option("--days", type=int, default=90, show_default=True)
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), default=world.START.isoformat(), show_default=True)
@click.option("--facts", "facts_file", type=click.Path(path_type=Path), help="YAML of planted facts; without: none")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="folder of the files")
@click.option(
    "--truth", type=click.Path(path_type=Path, dir_okay=False), help="write what was planted where, as Parquet"
)
def main(
    seed: int, rows: int, days: int, start: dt.datetime, facts_file: Path | None, out: Path, truth: Path | None
) -> None:
    """Write invented feedback of an invented retailer: surveys (CSV by month), app reviews (JSON lines) and notes of
    employees and leaders (Parquet).

    Example: python -m cx_nlp.sample --seed 3 --rows 1200 --facts configs/sample/facts.yaml --out configs/sample
    """
    try:
        facts = load_facts(facts_file) if facts_file else []
        parts = stream(seed=seed, rows=rows, days=days, facts=facts, start=start.date())
        if truth is not None:
            parts = _with_truth(parts, truth)
        counts = write(parts, out)
    except CxError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    for file, count in counts.items():
        click.echo(f"{file:24}{count:>10,} records")
    click.echo(f"{len(facts)} planted facts, {sum(counts.values()):,} records in {out}")


def _with_truth(parts, path: Path):
    """Pass the blocks on; write their truth on the way, so that it needs no more memory than they do."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    try:
        for part in parts:
            table = pa.Table.from_pandas(part.truth, preserve_index=False, schema=writer.schema if writer else None)
            if writer is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                writer = pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
            yield part
    finally:
        if writer is not None:
            writer.close()


if __name__ == "__main__":
    main()
