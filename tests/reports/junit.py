# Reads a JUnit report with junitparser and prints what each test case came to.
import sys

from junitparser import JUnitXml

for suite in JUnitXml.fromfile(sys.argv[1]):
    for case in suite:
        kinds = [type(result).__name__ for result in case.result]
        place = "{}:{}".format(case._elem.get("file"), case._elem.get("line"))
        print(suite.name, "|", case.name, "|", ",".join(kinds) or "Passed", "|", place)
