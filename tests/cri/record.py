# SPDX-License-Identifier: Apache-2.0
"""Records what runtimes answer, for tests that have none: fixtures/RUNTIME-VERSION/METHOD.pb, protobuf as it is on the wire.

    cd tests && python3 -B -m cri.record        # all anew; twice on a machine gives the same bytes

Each runtime is asked about the same: pod `shop/cart-0` with the label app=cart, in it the running containers `web` and
`init`, the latter ended with 3. Ids, times, pids and this machine's own paths and name are replaced, and nothing else: an
id is ID of the name (`pod`, `web`, `init`), SECRET is in the environment of `web`. The events are those of `web`, as they
came. containerd's are real; CRI-O's are those of crio.py, which follows its sources.
"""

import hashlib
import pathlib
import re
import sys

from . import crio, parts, pods, rig

FOLDER = pathlib.Path(__file__).parent / 'fixtures'
UID = '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9'
SECRET = 'PASSWORD=not-for-anybody'
TIME = 1_767_225_600_000_000_000  # 2026-01-01, of all times
PID = 4242
CRIO = 'crio-1.31'
EVENTS = ('created', 'started', 'stopped', 'deleted')


def id_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


class Scrub:
    """Makes the answers of two runs the same, field by field, the texts in the verbose info included."""

    def __init__(self, folder, ids: dict):
        self.words = {str(folder): '/var/lib/rig', str(parts.cache()): '/opt',
                      **{id_: id_of(name) for id_, name in ids.items()}}

    def text(self, value: str) -> str:
        for word, other in self.words.items():
            value = value.replace(word, other)
        value = re.sub(r'sha256:[0-9a-f]{64}', f'sha256:{"1" * 64}', value)  # of images: the compiler's affair
        value = re.sub(r'("sandboxID":"\w+","pid":)\d+', rf'\g<1>{PID}', value)
        value = re.sub(r'HOSTNAME=[^"]*', 'HOSTNAME=node-1', value)
        value = re.sub(r'containers/(\w+)/[0-9a-f]{8}', r'containers/\1/01234567', value)
        value = re.sub(r'/proc/\d+/', f'/proc/{PID}/', value)
        return re.sub(r'20\d\d-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)', '2026-01-01T00:00:00Z', value)

    def message(self, message):
        for field, value in message.ListFields():
            if field.message_type and field.message_type.GetOptions().map_entry:
                if field.message_type.fields_by_name['value'].type == field.TYPE_STRING:
                    for key in value:
                        value[key] = self.text(value[key])
            elif field.label == field.LABEL_REPEATED:
                self._repeated(field, value)
            elif field.message_type:
                self.message(value)
            elif field.type == field.TYPE_STRING:
                setattr(message, field.name, self.text(value))
            elif field.name.endswith('_at'):
                setattr(message, field.name, TIME)
        return message

    def _repeated(self, field, values):
        for index, value in enumerate(values):
            if field.message_type:
                self.message(value)
            elif field.type == field.TYPE_STRING:
                values[index] = self.text(value)


def pod_of(node):
    """The pod that all are asked about, and its containers."""
    pod = node.run_pod('shop', 'cart-0', uid=UID, labels={'app': 'cart'}, annotations={'note': 'of the test'})
    init = pod.create('init', ['sh', '-c', 'exit 3']).start()
    return pod, init, pod.create('web', ['sleep', '600'], env=dict([SECRET.split('=', 1)])).start()


def _in_order(items):
    """Lists come in no order."""
    ordered = sorted(items, key=lambda item: item.metadata.name)
    del items[:]
    items.extend(ordered)


def answers(cri, pod, web) -> dict:
    """By the file's name; what a runtime has not got is left out."""
    said = {'Version': cri.call('Version'), 'ListPodSandbox': cri.call('ListPodSandbox'),
            'ListContainers': cri.call('ListContainers'),
            'ContainerStatus': cri.call('ContainerStatus', container_id=web.id, verbose=True),
            'PodSandboxStatus': cri.call('PodSandboxStatus', pod_sandbox_id=pod.id)}
    _in_order(said['ListContainers'].containers)
    try:
        said['RuntimeConfig'] = cri.call('RuntimeConfig')
    except cri.grpc.RpcError as error:
        assert error.code() == cri.grpc.StatusCode.UNIMPLEMENTED, error
    return said


def events(cri, pod) -> dict:
    """The four of a container `brief`, if the runtime tells them."""
    stream = cri.stream('GetContainerEvents')
    try:
        cri.call('Version')  # the runtime has the stream's request now
        brief = pod.create('brief', ['true']).start()
        (getattr(brief, 'wait_exited', None) or brief.exit)()
        brief.remove()
        told = {}
        for event in stream:
            if event.container_id == brief.id:
                told[EVENTS[event.container_event_type]] = event
            if len(told) == len(EVENTS):
                break
        return brief, {f'event-{name}': event for name, event in told.items()}
    except cri.grpc.RpcError as error:
        assert error.code() == cri.grpc.StatusCode.UNIMPLEMENTED, error
        return brief, {}
    finally:
        stream.cancel()


def record(node, cri) -> dict:
    """{name: bytes} of a runtime."""
    pod, init, web = pod_of(node)
    (getattr(init, 'wait_exited', None) or (lambda: init.exit(3)))()
    said = answers(cri, pod, web)
    brief, told = events(cri, pod)
    for event in told.values():
        _in_order(event.containers_statuses)
    scrub = Scrub(node.folder, {pod.id: 'pod', web.id: 'web', init.id: 'init', brief.id: 'brief'})
    return {name: scrub.message(message).SerializeToString(deterministic=True) for name, message in {**said, **told}.items()}


def record_all():
    """(folder's name, {name: bytes}) of each runtime."""
    for version in rig.VERSIONS:
        with rig.Containerd(version) as node:
            yield f'containerd-{version}', record(node, node.cri)
    with crio.CriO(events=True) as node, pods.connect(node.address) as cri:
        yield CRIO, record(node, cri)


def main():
    rig.needs_containerd()
    for name, files in record_all():
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob('*.pb'):
            old.unlink()
        for file, content in files.items():
            (folder / f'{file}.pb').write_bytes(content)
        print(f'{name}: {", ".join(f"{file} {len(content)}" for file, content in files.items())}')


if __name__ == '__main__':
    sys.exit(main())
