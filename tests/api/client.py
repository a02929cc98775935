# SPDX-License-Identifier: Apache-2.0
"""Runs build/test/api/client, and reads what it tells while it runs."""
import json
import os
import pathlib
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).parents[2]
# With sanitizers and OpenSSL; as podtrace has it, with BearSSL.
PROGRAMS = [ROOT / 'build/test/api/client', ROOT / 'build/test/api/client-static']
TIMEOUT = 20


class Client:
    def __init__(self, program, **config):
        arguments = [f'{key}={value}' for key, value in config.items() if value is not None]
        env = {key: value for key, value in os.environ.items() if not key.lower().endswith('_proxy')}
        env.update(config.pop('env', {}))
        self.process = subprocess.Popen([str(program), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=env)
        self.lines = []
        self.changed = threading.Condition()
        self.readers = [threading.Thread(target=self.read), threading.Thread(target=self.read_errors)]
        self.errors = ''
        for reader in self.readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(dict(json.loads(line), at=time.monotonic()))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def read_errors(self):
        self.errors = self.process.stderr.read()

    def all(self, what, **values):
        with self.changed:
            return [line for line in self.lines if line['what'] == what
                    and all(line[key] == value for key, value in values.items())]

    def wait(self, what, count=1, timeout=TIMEOUT, **values):
        """Until so many such lines have come; the last of them."""
        end = time.monotonic() + timeout
        with self.changed:
            while len(self.all(what, **values)) < count:
                left = end - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    raise AssertionError(f'no {count} x {what} {values} came, but\n' + self.told())
                self.changed.wait(min(left, 0.5))
            return self.all(what, **values)[count - 1]

    def told(self):
        return '\n'.join(map(str, self.lines[-20:])) + self.errors

    def status(self):
        n = len(self.all('status'))
        self.process.stdin.write('status\n')
        self.process.stdin.flush()
        return self.wait('status', n + 1)

    def end(self):
        """Stops it as a program stops: all is freed, and a sanitizer would speak. The last status."""
        self.process.stdin.close()
        code = self.process.wait(TIMEOUT)
        for reader in self.readers:
            reader.join()
        if code:
            raise AssertionError(f'exit code {code}\n{self.errors}')
        return self.all('end')[0]

    def pods(self):
        """uid -> the pod as it was told last, without those that are gone."""
        pods = {}
        with self.changed:
            for line in self.lines:
                if line['what'] == 'pod':
                    pods[line['uid']] = line
                elif line['what'] == 'gone':
                    pods.pop(line['uid'], None)
        return pods
