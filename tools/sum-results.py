#!/usr/bin/env python3
"""Sums the results that ctest, GoogleTest and lit left in a folder.

`ctest.junit` has one case per ctest entry. An entry NAME that left NAME.xml is
counted by the cases in there; any other is one case. Prints what failed and, as
the last line, `N passed, N failed`; exit status 1 if something failed.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases(path):
    """(name, 'passed' | 'failed' | 'skipped') of each case in a JUnit file."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}"
        skipped = case.find("skipped") is not None
        skipped |= case.get("status") == "notrun" or case.get("result") == "skipped"
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed"
        elif case.get("status") in ("fail", "disabled"):
            yield name, "failed"
        else:
            yield name, "skipped" if skipped else "passed"


def main(folder):
    folder = pathlib.Path(folder)
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    failed = []
    try:
        entries = list(cases(folder / "ctest.junit"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"no results of ctest: {error}\n0 passed, 1 failed")
        return 1
    for entry, outcome in entries:
        # ctest repeats the name as the class name.
        name = entry.split(".", 1)[1]
        inner = [(name, outcome)]
        detail = folder / f"{name}.xml"
        if detail.exists():
            try:
                inner = list(cases(detail)) or inner
            except ElementTree.ParseError:
                pass  # cut short by a crash: the entry stands for its cases
        if outcome == "failed" and all(result != "failed" for _, result in inner):
            inner.append((name, "failed"))
        for case, result in inner:
            totals[result] += 1
            if result == "failed":
                failed.append(f"{name}: {case}")
    for case in failed:
        print(f"FAILED {case}")
    if totals["skipped"]:
        print(f"{totals['skipped']} skipped")
    print(f"{totals['passed']} passed, {totals['failed']} failed")
    return 1 if totals["failed"] or not totals["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
