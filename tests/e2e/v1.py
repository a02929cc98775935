"""A node that has only cgroup v1, of which podtrace sees one hierarchy: as much of it as the tests need."""

import pathlib
import unittest
from unittest import mock

import rig


def root(controller='memory') -> str:
    """Where the controller's hierarchy is mounted as a whole."""
    for line in pathlib.Path('/proc/self/mountinfo').read_text(encoding='utf-8').splitlines():
        fields, _, rest = line.partition(' - ')
        kind, _, options = rest.split(' ', 2)
        of, mountpoint = fields.split()[3:5]
        if kind == 'cgroup' and of == '/' and controller in options.split(','):
            return mountpoint
    raise unittest.SkipTest(f'no {controller} hierarchy of cgroup v1 is mounted here')


def home(controller='memory') -> str:
    """The cgroup of this process in it."""
    for line in pathlib.Path('/proc/self/cgroup').read_text(encoding='utf-8').splitlines():
        _, controllers, path = line.split(':', 2)
        if controller in controllers.split(','):
            return root(controller) + path.rstrip('/')
    raise unittest.SkipTest(f'this process is in no {controller} cgroup of v1')


def alone(base, controller='memory') -> tuple:
    """(prefix of a command, its option): it finds that hierarchy and no other tree. The mount goes with the command."""
    rig.needs('unshare', 'mount')
    script = f'mkdir -p "$0/{controller}" && mount --bind {root(controller)} "$0/{controller}" && exec "$@"'
    return ('unshare', '--mount', 'sh', '-c', script, str(base)), ('--cgroup-base', str(base))


class V1:
    """Mixed into a case written for v2: its cgroups are made in a v1 tree, and that is all podtrace sees."""
    controller = 'memory'

    def setUp(self):
        root(self.controller)
        super().setUp()
        self.enterContext(mock.patch.multiple(rig, v2_root=lambda: root(self.controller),
                                              home=lambda: home(self.controller)))

    def podtrace(self, *args, prefix=(), **options):
        before, option = alone(self.folder / 'cgroup', self.controller)
        return super().podtrace(*args, *option, prefix=(*prefix, *before), **options)
