#!/usr/bin/env python3
"""Self-test of the scripted receiver: each answer, as a client sees it."""

import gzip
import http.client
import json
import pathlib
import tempfile
import time
import unittest
from email.utils import parsedate_to_datetime

from receiver import Receiver, partial_success

BODY = b'\x0a\x00'


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def serve(self, *script: str, port: int = 0) -> Receiver:
        receiver = Receiver(self.folder.name, script, port)
        return self.enterContext(receiver)

    def client(self, receiver: Receiver, timeout: float = 10) -> http.client.HTTPConnection:
        client = http.client.HTTPConnection('127.0.0.1', receiver.port, timeout=timeout)
        self.addCleanup(client.close)
        return client

    def post(self, client, path: str = '/v1/traces', body: bytes = BODY, **headers):
        client.request('POST', path, body, headers)
        reply = client.getresponse()
        return reply, reply.read()

    def answer(self, word: str):
        return self.post(self.client(self.serve(word)))


class Recording(Case):
    def test_what_is_kept(self):
        receiver = self.serve('ok')
        client = self.client(receiver)
        self.post(client)
        self.post(client, '/v1/logs', gzip.compress(BODY * 99), **{'Content-Encoding': 'gzip'})
        self.post(self.client(receiver), '/elsewhere')
        one, two, three = receiver.wait(3)
        self.assertEqual([one.signal, two.signal, three.signal], ['traces', 'logs', 'other'])
        self.assertEqual((two.body, gzip.decompress(two.raw)), (BODY * 99,) * 2)
        self.assertEqual(two.headers['content-encoding'], 'gzip')
        self.assertEqual(one.connection, two.connection)
        self.assertNotEqual(one.connection, three.connection)
        self.assertLessEqual(one.time, two.time)
        folder = pathlib.Path(self.folder.name)
        self.assertEqual((folder / '0001-logs.pb').read_bytes(), BODY * 99)
        self.assertEqual(json.loads((folder / '0002-other.json').read_text())['path'], '/elsewhere')

    def test_chunked(self):
        receiver = self.serve('ok')
        client = self.client(receiver)
        client.request('POST', '/v1/traces', iter([b'one', b'two']), encode_chunked=True)
        client.getresponse().read()
        self.assertEqual(receiver.requests[0].body, b'onetwo')

    def test_wait_ends(self):
        with self.assertRaises(TimeoutError):
            self.serve('ok').wait(1, timeout=0.05)

    def test_unknown_answer(self):
        with self.assertRaises(ValueError):
            Receiver(self.folder.name, ['okay'])


class Script(Case):
    def test_in_order_and_the_last_stays(self):
        client = self.client(self.serve('503', '400', 'ok'))
        self.assertEqual([self.post(client)[0].status for _ in range(4)], [503, 400, 200, 200])

    def test_stop_ends_open_connections_and_the_port_can_be_had_again(self):
        with Receiver(self.folder.name, ['ok']) as receiver:
            client = self.client(receiver)
            self.post(client)
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.post(client)
        again = self.serve('empty', port=receiver.port)
        self.assertEqual(self.post(self.client(again))[1], b'')


class Replies(Case):
    def test_success(self):
        self.assertEqual(self.answer('ok')[1], b'\x0a\x00')
        self.assertEqual(self.answer('empty')[1], b'')

    def test_gzip(self):
        reply, body = self.answer('gzip')
        self.assertEqual(reply.getheader('Content-Encoding'), 'gzip')
        self.assertEqual(gzip.decompress(body), b'\x0a\x00')

    def test_partial_success(self):
        self.assertEqual(self.answer('partial=300,too old')[1], b'\x0a\x0c\x08\xac\x02\x12\x07too old')
        self.assertEqual(self.answer('warning=slow down')[1], partial_success(0, 'slow down'))

    def test_html(self):
        reply, body = self.answer('html')
        self.assertEqual((reply.status, reply.getheader('Content-Type')), (200, 'text/html'))
        self.assertIn(b'<title>', body)

    def test_status(self):
        reply, body = self.answer('500')
        self.assertEqual((reply.status, reply.getheader('Retry-After')), (500, None))
        self.assertEqual(body, b'\x08\x0e\x12\x0cscripted 500')

    def test_retry_after(self):
        self.assertEqual(self.answer('429,retry=7')[0].getheader('Retry-After'), '7')
        date = parsedate_to_datetime(self.answer('503,date=60')[0].getheader('Retry-After'))
        self.assertAlmostEqual(date.timestamp(), time.time() + 60, delta=5)

    def test_redirect(self):
        reply, _ = self.answer('redirect=http://127.0.0.1:1/')
        self.assertEqual((reply.status, reply.getheader('Location')), (301, 'http://127.0.0.1:1/'))

    def test_huge(self):
        self.assertGreater(len(self.answer('huge=5242880')[1]), 5242880)

    def test_slow_and_trickle(self):
        for word, least in ('slow=0.2', 0.2), ('trickle=0.02', 0.2):
            with self.subTest(word):
                begin = time.monotonic()
                self.assertEqual(self.answer(word)[0].status, 200)
                self.assertGreaterEqual(time.monotonic() - begin, least)

    def test_close(self):
        with self.assertRaises(http.client.RemoteDisconnected):
            self.answer('close')

    def test_cut(self):
        with self.assertRaises(http.client.IncompleteRead):
            self.answer('cut')

    def test_rst(self):
        with self.assertRaises(ConnectionResetError) as caught:
            self.answer('rst')
        self.assertNotIsInstance(caught.exception, http.client.RemoteDisconnected)  # what `close` looks like

    def test_rst_on_a_reused_connection(self):
        client = self.client(self.serve('ok', 'rst'))
        self.post(client)
        with self.assertRaises(ConnectionResetError) as caught:
            self.post(client)
        self.assertNotIsInstance(caught.exception, http.client.RemoteDisconnected)

    def test_hold(self):
        client = self.client(self.serve('hold'), timeout=0.2)
        with self.assertRaises(TimeoutError):
            self.post(client)


if __name__ == '__main__':
    unittest.main()
