# SPDX-License-Identifier: Apache-2.0
"""Database servers of this machine's own packages, small and private to a test, and the client that talks to them."""

import contextlib
import getpass
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).parent
START = 60  # seconds that a server may take until it answers
NOBODY = 'nobody'  # servers do not run as root


class Unavailable(Exception):
    """Something cannot be had on this machine, for the reason given: skip what needs it."""


def _said(*command) -> str:
    if not shutil.which(command[0]):
        raise Unavailable(f'no {command[0]} here')
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _run(*command, **more):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise AssertionError(f'{command[0]}: exit code {done.returncode}: {done.stderr or done.stdout}')


def _unprivileged() -> dict:
    """How a server is started as somebody else than root."""
    if os.geteuid():
        return {}
    user = pwd.getpwnam(NOBODY)
    return {'user': user.pw_uid, 'group': user.pw_gid, 'extra_groups': []}


class Server:
    """It answers from `with` on, by a socket that only its folder has."""

    def __init__(self):
        self.folder = None
        self.process = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='podtrace-db-')))
            if not os.geteuid():
                shutil.chown(self.folder, NOBODY)
            self.start()
            stack.callback(self.stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def run(self, *command):
        _run(*command, cwd=self.folder, **_unprivileged())

    def spawn(self, *command):
        with open(self.folder / 'log', 'wb') as log:
            self.process = subprocess.Popen(list(map(str, command)), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, **_unprivileged())

    def until(self, is_there):
        deadline = time.monotonic() + START
        while not is_there():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError('the server does not start: ' + (self.folder / 'log').read_text(errors='replace')[-2000:])
            time.sleep(0.05)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Postgresql(Server):
    name, client = 'postgresql', 'WITH_POSTGRESQL'
    user = NOBODY if not os.geteuid() else getpass.getuser()

    @staticmethod
    def flags() -> list:
        return ['-I' + _said('pg_config', '--includedir'), '-L' + _said('pg_config', '--libdir'), '-lpq']

    @property
    def sockets(self):
        return self.folder

    def start(self):
        programs = pathlib.Path(_said('pg_config', '--bindir'))
        if not (programs / 'initdb').exists():
            raise Unavailable(f'no initdb in {programs}')
        data = self.folder / 'data'
        self.run(programs / 'initdb', '--no-sync', '--auth=trust', '--locale=C', '--encoding=UTF8', '-D', data)
        self.spawn(programs / 'postgres', '-D', data, '-k', self.folder, '-c', 'listen_addresses=', '-c', 'fsync=off',
                   '-c', 'shared_buffers=1MB', '-c', 'autovacuum=off')
        self.until(lambda: 'ready to accept connections' in (self.folder / 'log').read_text(errors='replace'))


def libpq() -> pathlib.Path:
    return pathlib.Path(_said('pg_config', '--libdir'), 'libpq.so.5')


class Mariadb(Server):
    name, client = 'mysql', 'WITH_MYSQL'
    user = 'root'

    @staticmethod
    def flags() -> list:
        return _said('mariadb_config', '--include', '--libs').split()

    @property
    def sockets(self):
        return self.folder / 'socket'

    def start(self):
        _said('mariadbd', '--version')
        data = self.folder / 'data'  # it has no tables of its own, and needs none
        self.run('mkdir', data)
        self.spawn('mariadbd', '--no-defaults', f'--datadir={data}', f'--socket={self.sockets}', '--skip-networking',
                   '--skip-grant-tables', f'--pid-file={self.folder}/pid', '--innodb-buffer-pool-size=8M',
                   '--innodb-flush-log-at-trx-commit=0')
        self.until(lambda: self.sockets.exists() and 'ready for connections' in (self.folder / 'log').read_text(errors='replace'))


def _gcc(path, source, *flags):
    _run('gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-o', path, source, *flags)
    return pathlib.Path(path)


def program(folder, *servers, libraries=()) -> pathlib.Path:
    """The client of statements.c, for these servers, by other libraries than their own."""
    defined = [f'-D{server.client}' for server in servers] + (['-DSTAND_IN'] if libraries else [])
    flags = [flag for server in servers for flag in server.flags() if not libraries or not flag.startswith(('-l', '-L'))]
    return _gcc(f'{folder}/statements', HERE / 'statements.c', *defined, *flags, *libraries)


def stand_ins(folder) -> list:
    """Libraries that answer without a server."""
    source = HERE.parent / 'vm' / 'databases.c'
    shared = ['-shared', '-fPIC', *(flag for flag in Postgresql.flags() + Mariadb.flags() if flag.startswith('-I'))]
    return [_gcc(f'{folder}/{name}', source, *shared, f'-Wl,-soname,{name}', *defined)
            for name, defined in (('libpq.so.5', ['-DAS_LIBPQ']), ('libmariadb.so.3', []))]
