"""Write the goldens anew: what the service answers for every fixture patient at every hook.

    make goldens

Read the diff before you commit it: it is what a clinician will read.
"""

from tests.golden import pairs


def main() -> None:
    """Write every golden, remove those whose patient is gone, and say which are other than before."""
    pairs.RESPONSES.mkdir(exist_ok=True)
    wanted = {pairs.path(name): pairs.golden(name) for name in pairs.names()}
    for stale in set(pairs.RESPONSES.glob("*.md")) - wanted.keys():
        stale.unlink()
        print(f"removed  {stale.name}")
    for path, text in wanted.items():
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        path.write_text(text, "utf-8")
        print(f"written  {path.name}")
    print(f"{len(wanted)} goldens in {pairs.RESPONSES}")


if __name__ == "__main__":
    main()
