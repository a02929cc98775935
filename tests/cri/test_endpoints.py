# SPDX-License-Identifier: Apache-2.0
"""Each endpoint does to a client what its name says: shown with a client that is not ours, gRPC's own."""

import errno
import pathlib
import socket
import sys
import tempfile
import unittest
import unittest.mock

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from cri import endpoints, parts, pods  # noqa: E402  pylint: disable=wrong-import-position


def right(stream) -> bytes:
    return (endpoints.opening(stream) + endpoints.frame(endpoints.DATA, 0, stream, endpoints.message(endpoints.VERSION_1))
            + endpoints.ending(stream))


# What gRPC says by its own rules. Of the others it is only sure that they are no answer: which code it finds for a broken
# frame is its own affair.
CODES = {**dict.fromkeys((*endpoints.PLACES, 'closing', 'garbage', 'endless garbage', 'HTTP/1', 'echo'), 'UNAVAILABLE'),
         'hanging': 'DEADLINE_EXCEEDED', 'never ends': 'DEADLINE_EXCEEDED', 'no status': 'UNKNOWN',
         'HTTP 404': 'UNIMPLEMENTED', 'unimplemented': 'UNIMPLEMENTED', 'permission denied': 'PERMISSION_DENIED',
         'control characters': 'UNKNOWN', 'no protobuf': 'INTERNAL'}
LENIENT = {'compressed'}  # a set flag and no encoding named: gRPC's library takes it as it is


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            parts.messages()
        except parts.Unavailable as why:
            raise unittest.SkipTest(str(why)) from why

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix='podtrace-cri-ends-'))

    def ask(self, end, deadline=0.5) -> str:
        with pods.connect(end.path) as cri:
            try:
                reply = cri.call('Version', deadline=deadline)
                return reply.version if reply else 'nothing'
            except cri.grpc.RpcError as error:
                return error.code().name

    def test_no_answer(self):
        """None of them is an answer, and those whose meaning is fixed are understood as meant."""
        count = 0
        for name, end in endpoints.all_of(self.folder):
            with self.subTest(name), end:
                said = self.ask(end)
                self.assertEqual(said == '0.1.0', name in LENIENT)
                if name in CODES:
                    self.assertEqual(said, CODES[name])
                count += 1
        self.assertEqual(count, len({**endpoints.PLACES, **endpoints.SPEAKERS, **endpoints.FRAMES}))

    def test_right_answer(self):
        """The control: the same hands, and nothing broken."""
        with unittest.mock.patch.dict(endpoints.ANSWERS, {'right': right}):
            with endpoints.breaking(self.folder, 'right') as end:
                self.assertEqual(self.ask(end), '0.1.0')

    def test_counts_who_came(self):
        for name, end in endpoints.all_of(self.folder):
            with self.subTest(name), end:
                self.ask(end, deadline=0.2)
                if name in endpoints.PLACES:
                    self.assertEqual((end.connections, end.received), (0, b''))
                else:
                    self.assertGreaterEqual(end.connections, 1)
                    self.assertTrue(name == 'closing' or end.received.startswith(endpoints.PREFACE))

    def test_places(self):
        """What connect(2) itself says."""
        refusals = {}
        for name, make in endpoints.PLACES.items():
            folder = pathlib.Path(self.folder, name.replace(' ', '-'))
            folder.mkdir()
            with make(folder) as end, socket.socket(socket.AF_UNIX) as client, self.assertRaises(OSError) as refused:
                client.connect(end.path)
            refusals[name] = errno.errorcode[refused.exception.errno]
        self.assertEqual(refusals, {'missing': 'ENOENT', 'regular file': 'ECONNREFUSED', 'directory': 'ECONNREFUSED',
                                    'dangling link': 'ENOENT', 'refusing': 'ECONNREFUSED'})


if __name__ == '__main__':
    unittest.main()
