"""The model of a replica, as the steps of a fleet use it."""

from __future__ import annotations

from contextlib import suppress

from acl_bundle._update._transaction.staged import Staged
from acl_bundle.bundle import Bundle
from acl_bundle.errors import AclBundleError, RoleError
from acl_bundle.fleet._messages.errors import ReplicaClosedError
from acl_bundle.fleet._messages.messages import Proposal
from acl_bundle.fleet._replica.pending import Pending
from acl_bundle.pair import Pair


class ReplicaModel:
    """A bundle or a pair whose commits are as short as they can be.

    Args:
        name: The replica's, for messages.
        model: Is this object's from now on.

    Attributes:
        model: As it was given.
        untidy: Whether a commit has left something to be freed, when nobody waits for it.
    """

    def __init__(self, name: str, model: Bundle | Pair) -> None:
        self._name = name
        self.model: Bundle | Pair = model
        self.untidy: bool = False
        if isinstance(model, Pair):
            model._leave_untidy()

    def stage(self, proposal: Proposal) -> Staged:
        """Bring a version to the device, and save there what its commit will overwrite."""
        staged = self._staged(proposal)
        try:
            staged._save()
        except BaseException:
            with suppress(AclBundleError):
                staged.discard()
            raise
        return staged

    def _staged(self, proposal: Proposal) -> Staged:
        assert proposal.weights is not None
        with proposal.weights.opened() as weights:
            return self.model.stage(weights, version=proposal.version, **proposal.options)

    def commit(self, pending: Pending) -> None:
        """Put what was staged in force."""
        pending.commit(self.model)
        self.untidy = isinstance(self.model, Pair)

    def install(self, proposal: Proposal) -> None:
        """Take a whole version, whatever is there."""
        if proposal.weights is None:
            raise ReplicaClosedError(
                self._name, f"nobody has the weights of epoch {proposal.epoch}"
            )
        try:
            self._take(proposal)
        except AclBundleError:  # what it holds is lost, of a Pair's shadow say: from the beginning
            if not self.init():
                raise
            self._take(proposal)

    def _take(self, proposal: Proposal) -> None:
        with self._staged(proposal) as staged:
            staged.commit()
            self.untidy = isinstance(self.model, Pair)

    def init(self) -> bool:
        """Run the init graph; False: there is none."""
        try:
            self.model.init()
        except RoleError:
            return False
        return True

    def tidy(self) -> None:
        """Free what a commit has left."""
        self.untidy = False
        if isinstance(self.model, Pair) and not self.model.closed:
            with suppress(AclBundleError):  # the next update does it
                self.model._tidy()
