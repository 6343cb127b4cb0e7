"""The package of the functions: the one of `make package`, or a zip file of the debug build."""

import os
import pathlib
import shutil
import subprocess
import zipfile

from support.paths import ROOT, program


def lambda_zip(folder):
    """The zip file to deploy. `RSQLFLOW_LAMBDA_ZIP` overrides the one of `make package`."""
    given = os.environ.get("RSQLFLOW_LAMBDA_ZIP")
    built = pathlib.Path(given) if given else ROOT / "target/package/lambda.zip"
    if built.is_file():
        return built.resolve()
    assert not given, f"RSQLFLOW_LAMBDA_ZIP is {given}, which does not exist"
    bootstrap = folder / "bootstrap"
    shutil.copy(program("bootstrap"), bootstrap)
    # Without symbols it is half as large. If strip is not installed, the program is not changed.
    if strip := shutil.which("strip"):
        subprocess.run([strip, str(bootstrap)], check=True)
    path = folder / "lambda.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        # The file must be executable, because Lambda starts it.
        archive.write(bootstrap, "bootstrap")
    return path
