"""The trainer as the inferring process sees it: started, asked for weights, ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from acl_bundle.cli.demo import mailbox
from acl_bundle.cli.demo.mailbox import Letter

PATIENCE = 60.0
PROGRAM = "acl_bundle.cli.demo.training"


class Trainer:
    """A process that trains, and the folder it shares with this one. Use ``with``."""

    def __enter__(self) -> Trainer:
        self._folder = TemporaryDirectory(prefix="acl-bundle-demo-")
        folder = Path(self._folder.name)
        self._mailbox, self._log = folder / "weights.npz", folder / "trainer.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", PROGRAM, self._mailbox, str(os.getpid())],
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us alone, and we end it
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def newest(self, after: int) -> Letter:
        """Wait for weights of a later round than ``after`` and return the newest.

        Raises:
            ChildProcessError: The trainer ended, or has been silent for a minute.
        """
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            letter = mailbox.take(self._mailbox, after)
            if letter is not None:
                return letter
            if self._process.poll() is not None:
                said = self._log.read_text(errors="replace").strip()
                raise ChildProcessError(f"the trainer ended by itself: {said or 'it said nothing'}")
            time.sleep(0.001)
        raise ChildProcessError(f"the trainer has sent nothing for {PATIENCE:.0f} seconds")
