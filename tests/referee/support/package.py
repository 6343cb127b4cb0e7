"""The functions' package: the one that `make package` built, or one of the unoptimised program."""

import os
import pathlib
import shutil
import subprocess
import zipfile

from support.paths import TARGET, program


def lambda_zip(folder):
    """The zip that is deployed. `RSQLFLOW_LAMBDA_ZIP` names another than `make package`'s."""
    given = os.environ.get("RSQLFLOW_LAMBDA_ZIP")
    built = pathlib.Path(given) if given else TARGET / "package" / "lambda.zip"
    if built.is_file():
        return built.resolve()
    assert not given, f"RSQLFLOW_LAMBDA_ZIP names {given}, which is not there"
    bootstrap = folder / "bootstrap"
    shutil.copy(program("bootstrap"), bootstrap)
    # Without its symbols it is half as large. Where there is no strip, it goes as it is.
    if strip := shutil.which("strip"):
        subprocess.run([strip, str(bootstrap)], check=True)
    path = folder / "lambda.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        # The mode goes with it: Lambda starts what is executable.
        archive.write(bootstrap, "bootstrap")
    return path
