"""`python -m crm.local`: everything in one terminal until Ctrl-C or SIGTERM."""

import sys

from crm.local.supervisor import main

sys.exit(main())
