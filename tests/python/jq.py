"""What the tests need of the program jq, for machines without it: `jq [-r] [-s] FILTER`, over standard input."""

import json
import sys

# This file has the name of the module.
sys.path.pop(0)
import jq

*options, program = sys.argv[1:]
for result in jq.compile(program).input_text(sys.stdin.read(), slurp="-s" in options):
    print(result if "-r" in options and isinstance(result, str) else json.dumps(result))
