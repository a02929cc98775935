# SPDX-License-Identifier: Apache-2.0
"""The recorded answers are what the runtimes of today answer, and nothing of the machine that recorded them is in them."""

import json
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from cri import crio, parts, pods, record, rig  # noqa: E402  pylint: disable=wrong-import-position

LISTS = ('Version', 'ListPodSandbox', 'ListContainers', 'ContainerStatus', 'PodSandboxStatus')
EVENTS = tuple(f'event-{name}' for name in record.EVENTS)
# What each has beyond LISTS.
MORE = {'containerd-1.6': (), 'containerd-1.7': EVENTS, 'containerd-2.1': ('RuntimeConfig', *EVENTS),
        record.CRIO: ('RuntimeConfig', *EVENTS)}


def parse(name, content):
    messages = parts.messages()
    kind = 'ContainerEventResponse' if name.startswith('event') else f'{name}Response'
    return getattr(messages, kind).FromString(content)


def comparable(message):
    """Without the parts of the JSON that are the kernel's affair: which controllers, namespaces, devices there are."""
    if not getattr(message, 'info', None):
        return message, None
    info = json.loads(message.info['info'])
    spec = info['runtimeSpec']
    message.ClearField('info')
    return message, (sorted(info), info['pid'], info['sandboxID'], spec['linux']['cgroupsPath'], spec['process']['env'],
                     sorted(spec['annotations']))


class Recorded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rig.needs_containerd()
        cls.recorded = dict(record.record_all())

    def test_as_committed(self):
        self.assertEqual(set(self.recorded), set(MORE))
        for runtime, files in self.recorded.items():
            folder = record.FOLDER / runtime
            self.assertEqual(sorted(path.stem for path in folder.glob('*')), sorted((*LISTS, *MORE[runtime])))
            for name, content in files.items():
                with self.subTest(f'{runtime} {name}'):
                    committed = parse(name, (folder / f'{name}.pb').read_bytes())
                    self.assertEqual(comparable(parse(name, content)), comparable(committed))

    def test_says_what_was_asked_about(self):
        """By the numbers: one pod, two containers, the right ids; and the secret is there to be left out."""
        for runtime, files in self.recorded.items():
            with self.subTest(runtime):
                [pod] = parse('ListPodSandbox', files['ListPodSandbox']).items
                containers = parse('ListContainers', files['ListContainers']).containers
                self.assertEqual((pod.id, pod.metadata.uid), (record.id_of('pod'), record.UID))
                self.assertEqual([(one.metadata.name, one.id) for one in containers],
                                 [(name, record.id_of(name)) for name in ('init', 'web')])
                self.assertEqual(files['ContainerStatus'].count(record.SECRET.encode()), 1)

    def test_nothing_of_this_machine(self):
        for runtime, files in self.recorded.items():
            for name, content in files.items():
                for word in (str(parts.cache()), 'podtrace-cri-', f'HOSTNAME={os.uname().nodename}"'):
                    self.assertNotIn(word.encode(), content, (runtime, name))

    def test_scrubs(self):
        """The control: what goes in is there before, and not after."""
        with crio.CriO() as node, pods.connect(node.address) as cri:
            web = node.run_pod('shop', 'cart-0').create('web', ['sleep', '60']).start()
            status = cri.call('ContainerStatus', container_id=web.id, verbose=True)
            before = status.SerializeToString()
            after = record.Scrub(node.folder, {web.id: 'web'}).message(status).SerializeToString()
            for word, count in ((web.id, before.count(web.id.encode())), (f'"pid":{web.pid},', 1)):
                self.assertGreaterEqual(count, 1)
                self.assertEqual((before.count(word.encode()), after.count(word.encode())), (count, 0))


if __name__ == '__main__':
    unittest.main()
