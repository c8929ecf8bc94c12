#!/usr/bin/env python3
"""Self-test of store_check.py: writes a small sound store, breaks it in many ways, expects each break to be found.

Needs root (device nodes, trusted.* attributes), no dockerd, no network; a few seconds. The writer follows
docs/store.md and shares nothing with the checker: tar headers by tarfile, the CRC by a table.
Run: python3 store_check_test.py
"""
import base64
import gzip
import hashlib
import itertools
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest
from os.path import join

sys.dont_write_bytecode = True
import store_check

TIME = '2026-01-02T03:04:05.6Z'
LINK_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
CAPABILITY = b'\x01\0\0\2\0\4' + bytes(14)
IMAGEDB, LAYERDB = 'image/overlay2/imagedb', 'image/overlay2/layerdb'
CONTENT, METADATA, TAGS = f'{IMAGEDB}/content/sha256', f'{IMAGEDB}/metadata/sha256', 'image/overlay2/repositories.json'


# ---- the writer ------------------------------------------------------------------------------------------------------

def sha(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


def crc64(data, table=[]):
    """CRC-64/ISO, byte by byte."""
    for value in range(256) if not table else ():
        for _ in range(8):
            value = value >> 1 ^ (0xD800000000000000 if value & 1 else 0)
        table.append(value)
    state = (1 << 64) - 1
    for byte in data:
        state = table[(state ^ byte) & 255] ^ state >> 8
    return state ^ (1 << 64) - 1


def go_json(value):
    text = json.dumps(value, separators=(',', ':'), ensure_ascii=False)
    return re.sub('[<>&\u2028\u2029]', lambda m: f'\\u{ord(m[0]):04x}', text)


class File:
    """A member of a layer: what the tar says of it and what lies in diff/."""

    def __init__(self, name, kind=tarfile.REGTYPE, content=b'', mode=0o644, link='', device=(0, 0), pax=None,
                 mtime=1700000000):
        self.name, self.kind, self.content, self.mode, self.link, self.device = name, kind, content, mode, link, device
        self.pax, self.mtime = pax or {}, mtime

    def header(self):
        """Header blocks as Go writes them: those of tarfile, with the device fields filled in."""
        main = bytearray(self.block(self.name, self.kind, len(self.content), self.mode, self.mtime))
        main[329:345] = b''.join(b'%07o\0' % number for number in self.device)
        main[148:156] = b' ' * 8
        main[148:156] = b'%06o\0 ' % sum(main)
        if not self.pax:
            return bytes(main)
        data = b''.join(b'%d %s=%s\n' % (len(key) + len(value) + 5, key.encode(), value)
                        for key, value in self.pax.items())
        return self.block(f'PaxHeaders.0/{self.name}', b'x', len(data)) + data + bytes(-len(data) % 512) + main

    def block(self, name, kind, size, mode=0, mtime=0):
        info = tarfile.TarInfo(name)
        info.type, info.size, info.mode, info.mtime, info.linkname = kind, size, mode, mtime, self.link
        return info.tobuf(tarfile.USTAR_FORMAT)

    def write(self, diff):
        path, base = join(diff, self.name.rstrip('/')), self.name.rpartition('/')[2]
        if base == '.wh..wh..opq':
            os.setxattr(os.path.dirname(path), 'trusted.overlay.opaque', b'y')
            return
        if base.startswith('.wh.'):
            path = join(os.path.dirname(path), base[4:])
            os.mknod(path, stat.S_IFCHR, 0)
        elif self.kind == tarfile.DIRTYPE:
            os.mkdir(path)
        elif self.kind == tarfile.SYMTYPE:
            os.symlink(self.link, path)
        elif self.kind == tarfile.LNKTYPE:
            os.link(join(diff, self.link), path)
        elif self.kind == tarfile.CHRTYPE:
            os.mknod(path, stat.S_IFCHR, os.makedev(*self.device))
        elif self.kind == tarfile.FIFOTYPE:
            os.mkfifo(path)
        else:
            put(path, self.content)
        if self.kind not in (tarfile.SYMTYPE, tarfile.LNKTYPE) and not base.startswith('.wh.'):
            os.chmod(path, self.mode)
        for name, value in self.pax.items():
            os.setxattr(path, name.removeprefix('SCHILY.xattr.'), value)


BASE = [File('bin/', tarfile.DIRTYPE, mode=0o755), File('bin/empty'),
        File('bin/ln', tarfile.SYMTYPE, mode=0o777, link='../etc'), File('bin/su', content=b'su\n' * 1000, mode=0o4755),
        File('bin/zz', tarfile.LNKTYPE, mode=0o4755, link='bin/su'), File('dev/', tarfile.DIRTYPE, mode=0o755),
        File('dev/null', tarfile.CHRTYPE, mode=0o666, device=(1, 3)), File('etc/', tarfile.DIRTYPE, mode=0o755),
        File('etc/conf', content=b'a=1\n'), File('etc/old', content=b'old'), File('fifo', tarfile.FIFOTYPE),
        File('tmp/', tarfile.DIRTYPE, mode=0o1777)]
TOP = [File('bin/', tarfile.DIRTYPE, mode=0o755), File('bin/.wh.empty', mode=0o600),
       File('cap', content=b'cap', mode=0o755, pax={'SCHILY.xattr.security.capability': CAPABILITY}),
       File('etc/', tarfile.DIRTYPE, mode=0o700), File('etc/.wh..wh..opq', mode=0o700, mtime=0),
       File('etc/new', content=b'n' * 70000)]


def put(path, data, mode=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    if mode is not None:
        os.chmod(path, mode)


class SmallStore:
    """Two layers, three images (one intermediate), two tags, one container, registry hints."""

    def __init__(self, root):
        self.root, self.numbers = root, itertools.count(1)
        for name, mode in (('', 0o710), ('image', 0o700), ('image/overlay2', 0o700), (IMAGEDB, 0o700),
                           (f'{IMAGEDB}/content', 0o700), (CONTENT, 0o700), (f'{IMAGEDB}/metadata', 0o700),
                           (METADATA, 0o700), (LAYERDB, 0o700), (f'{LAYERDB}/sha256', 0o755),
                           (f'{LAYERDB}/mounts', 0o755), (f'{LAYERDB}/tmp', 0o755), ('overlay2', 0o710),
                           ('overlay2/l', 0o700), ('containers', 0o710)):
            os.makedirs(self.path(name), exist_ok=True)
            os.chmod(self.path(name), mode)
        self.base, self.base_diff, self.base_cache = self.layer(BASE, None, None)
        self.top, self.top_diff, self.top_cache = self.layer(TOP, self.base, self.base_cache)
        history = [{'created': TIME, 'created_by': 'ADD x'}, {'created': TIME, 'created_by': 'RUN a && b <c>'},
                   {'created': TIME, 'created_by': 'CMD', 'empty_layer': True}]
        self.base_image = self.image(history[:1], [self.base_diff])
        self.middle_image = self.image(history[:2], [self.base_diff, self.top_diff], self.base_image)
        self.image_id = self.image(history, [self.base_diff, self.top_diff], self.middle_image)
        self.tags({'my': {'my:app': self.image_id, 'my:base': self.base_image}})
        self.container()
        hints = 'image/overlay2/distribution'
        put(self.path(hints, 'diffid-by-digest/sha256', sha('blob')), self.base_diff, 0o644)
        self.hint = f'{hints}/v2metadata-by-diffid/sha256/{self.base_diff[7:]}'
        hint = {'Digest': f'sha256:{sha("blob")}', 'SourceRepository': 'r.example/a', 'HMAC': ''}
        put(self.path(self.hint), go_json([hint]), 0o644)

    def path(self, *names):
        return join(self.root, *names).rstrip('/')

    def new_id(self):
        return sha(f'id {next(self.numbers)}')

    def cache(self, cache_id, parent):
        """An empty cache directory on another [3.2]; returns its diff/."""
        path = self.path('overlay2', cache_id)
        os.mkdir(path)
        os.chmod(path, 0o710)
        os.mkdir(join(path, 'diff'), 0o755)
        link = ''.join(LINK_LETTERS[byte % 32] for byte in hashlib.sha256(cache_id.encode()).digest()[:26])
        os.symlink(f'../{cache_id}/diff', self.path('overlay2/l', link))
        put(join(path, 'link'), link, 0o644)
        if parent:
            os.mkdir(join(path, 'work'), 0o700)
            below = self.path('overlay2', parent)
            put(join(below, 'committed'), b'', 0o600)
            lower = 'l/' + self.text(f'overlay2/{parent}/link')
            if os.path.exists(join(below, 'lower')):
                lower += ':' + self.text(f'overlay2/{parent}/lower')
            put(join(path, 'lower'), lower, 0o644)
        return join(path, 'diff')

    def text(self, *names):
        with open(self.path(*names)) as file:
            return file.read()

    def layer(self, files, parent, parent_cache):
        """A layer with its cache directory, tar-split and LayerDB entry; (ChainID, DiffID, cache-id)."""
        cache_id = self.new_id()
        diff = self.cache(cache_id, parent_cache)
        tar, lines, pending = b'', [], b''
        for file in files:
            file.write(diff)
            header, size = file.header(), len(file.content)
            tar += pending + header + file.content
            lines.append({'type': 2, 'payload': base64.b64encode(pending + header).decode()})
            entry = {'type': 1, 'name': file.name, 'size': size, 'payload': None}
            if size:
                entry['payload'] = base64.b64encode(crc64(file.content).to_bytes(8, 'big')).decode()
            lines.append({key: value for key, value in entry.items() if value != 0})
            pending = bytes(-size % 512)
        tar += pending + bytes(1024)
        lines.append({'type': 2, 'payload': base64.b64encode(pending + bytes(1024)).decode()})
        for file in reversed(files):  # times last, as writing into directories changes them
            path = join(diff, file.name.replace('.wh.', '').rstrip('/'))
            if not file.name.endswith('.wh..wh..opq'):
                os.utime(path, (file.mtime, file.mtime), follow_symlinks=False)
        diff_id = f'sha256:{sha(tar)}'
        chain = sha(f'sha256:{parent} {diff_id}') if parent else diff_id[7:]
        path = self.path(LAYERDB, 'sha256', chain)
        os.mkdir(path, 0o700)
        text = ''.join(go_json(line | {'position': position}) + '\n' for position, line in enumerate(lines))
        put(join(path, 'tar-split.json.gz'), gzip.compress(text.encode()), 0o644)
        put(join(path, 'diff'), diff_id, 0o644)
        put(join(path, 'cache-id'), cache_id, 0o644)
        size = sum(len(file.content) or len(file.link) * (file.kind == tarfile.SYMTYPE) for file in files)
        put(join(path, 'size'), str(size), 0o644)
        if parent:
            put(join(path, 'parent'), f'sha256:{parent}', 0o644)
        return chain, diff_id, cache_id

    def image(self, history, diff_ids, parent=None, **changes):
        config = {'architecture': 'amd64', 'config': {'Env': ['A=<&>'], 'Labels': None}, 'created': TIME,
                  'history': history, 'os': 'linux', 'rootfs': {'type': 'layers', 'diff_ids': diff_ids}} | changes
        return self.raw_image(go_json({key: value for key, value in config.items() if value is not None}), parent)

    def raw_image(self, text, parent=None):
        put(self.path(CONTENT, sha(text)), text, 0o600)
        if parent:
            put(self.path(METADATA, sha(text), 'parent'), f'sha256:{parent}', 0o600)
            put(self.path(METADATA, sha(text), 'lastUpdated'), TIME, 0o600)
            os.chmod(self.path(METADATA, sha(text)), 0o700)
        return sha(text)

    def tags(self, repositories):
        full = {repo: {ref: f'sha256:{image}' for ref, image in refs.items()} for repo, refs in repositories.items()}
        put(self.path(TAGS), go_json({'Repositories': full}), 0o600)

    def container(self, name='/mine', **changes):
        self.id, self.rw = self.new_id(), self.new_id()
        self.init = f'{self.rw}-init'
        self.cache(self.init, self.top_cache)
        self.cache(self.rw, self.init)
        self.mount = f'{LAYERDB}/mounts/{self.id}'
        for key, value in ('mount-id', self.rw), ('init-id', self.init), ('parent', f'sha256:{self.top}'):
            put(self.path(self.mount, key), value, 0o644)
        self.config = {'State': {}, 'ID': self.id, 'Created': TIME, 'Path': '/bin/sh', 'Args': ['-c', 'a >b'],
                       'Config': {'Hostname': self.id[:12], 'Env': None, 'Cmd': ['/bin/sh', '-c', 'a >b']},
                       'Image': f'sha256:{self.image_id}', 'NetworkSettings': {'Networks': {'none': {'NetworkID': ''}}},
                       'Name': name, 'Driver': 'overlay2', 'OS': 'linux'}
        self.reconfigure(**changes)
        host = {'NetworkMode': 'none', 'MaskedPaths': ['/proc/kcore'], 'ReadonlyPaths': ['/proc/sys']}
        put(self.path('containers', self.id, 'hostconfig.json'), go_json(host) + '\n', 0o644)
        os.chmod(self.path('containers', self.id), 0o710)

    def reconfigure(self, **changes):
        config = {key: value for key, value in (self.config | changes).items() if value is not None}
        put(self.path('containers', self.id, 'config.v2.json'), go_json(config) + '\n', 0o600)

    def places(self):
        """Names for paths relative to ROOT; the upper layer where nothing else is said."""
        top, base = f'{LAYERDB}/sha256/{self.top}', f'{LAYERDB}/sha256/{self.base}'
        cache, base_cache = f'overlay2/{self.top_cache}', f'overlay2/{self.base_cache}'
        return {'contents': CONTENT, 'config': f'{CONTENT}/{self.image_id}', 'middle': f'{CONTENT}/{self.middle_image}',
                'metadata': f'{METADATA}/{self.image_id}', 'tags': TAGS, 'hint': self.hint, 'layerdb': LAYERDB,
                'layer': top, 'base': base, 'cache': cache, 'base_cache': base_cache, 'diff': f'{cache}/diff',
                'base_diff': f'{base_cache}/diff', 'short': f'overlay2/l/{self.text(cache, "link")}',
                'mount': self.mount, 'rw': f'overlay2/{self.rw}', 'init': f'overlay2/{self.init}',
                'container': f'containers/{self.id}'}


# ---- the breaks ------------------------------------------------------------------------------------------------------
# An action takes a SmallStore and a path; it may return the path at which the finding must be, if that is another.

def edit(change):
    def action(store, path):
        with open(store.path(path), 'rb') as file:
            data = file.read()
        put(store.path(path), change(data), stat.S_IMODE(os.stat(store.path(path)).st_mode))
    return action


def contents(data):
    return edit(lambda _: data)


def cut(count):
    return edit(lambda data: data[:-count])


def append(more):
    return edit(lambda data: data + more)


def swap(old, new):
    return edit(lambda data: data.replace(old, new))


def new_file(data=b'x', mode=0o644):
    return lambda store, path: put(store.path(path), data, mode)


def new_folder(store, path):
    os.makedirs(store.path(path))


def remove(store, path):
    path = store.path(path)
    shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)


def instead(make):
    """Replaces what is there by what `make` makes."""
    def action(store, path):
        remove(store, path)
        make(store.path(path))
    return action


def symlink(target):
    return lambda path: os.symlink(target, path)


def device(major, minor):
    def make(path):
        os.mknod(path, stat.S_IFCHR, os.makedev(major, minor))
        os.chmod(path, 0o666)
    return make


def on_path(call, *arguments):
    """An action that makes a system call on the path."""
    return lambda store, path: call(store.path(path), *arguments)


def at(template, action):
    """The action somewhere else than where the finding must be."""
    def act(store, path):
        action(store, template.format(**store.places()))
    return act


def image(history, layers=1, **changes):
    def action(store, path):
        return f'{CONTENT}/' + store.image(history, [store.base_diff] * layers, **changes)
    return action


def config_text(text):
    return lambda store, path: f'{CONTENT}/' + store.raw_image(text)


def tags(repositories):
    """repositories.json anew; 'app' and 'base' stand for the image IDs."""
    def action(store, path):
        names = {'app': store.image_id, 'base': store.base_image}
        store.tags({repo: {ref: names.get(target, target) for ref, target in refs.items()}
                    for repo, refs in repositories.items()})
    return action


def split(change):
    """Changes the decoded lines of a tar-split."""
    def action(store, path):
        lines = [json.loads(line) for line in gzip.decompress(read(store.path(path))).splitlines()]
        change(lines)
        put(store.path(path), gzip.compress('\n'.join(map(json.dumps, lines)).encode()), 0o644)
    return action


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def reconfigure(**changes):
    return lambda store, path: store.reconfigure(**changes)


def unknown_layer(store, path):
    store.image([], [f'sha256:{NOWHERE}'])


def other_parent(store, path):
    put(store.path(path), f'sha256:{store.base_image}', 0o600)


def other_mount(store, path):
    put(store.path(store.mount, 'parent'), f'sha256:{store.base}', 0o644)


def orphan_cache(store, path):
    store.cache(NOWHERE, None)


def share_cache(store, path):
    contents(store.base_cache.encode())(store, path)
    return f'{max(store.places()["layer"], store.places()["base"])}/cache-id'


def orphan_layer(store, path):
    chain, _, _ = store.layer([File('x', content=b'x')], store.top, store.top_cache)
    return f'{LAYERDB}/sha256/{chain}'


def whiteout_at_bottom(store, path):
    _, diff, cache = store.layer([File('.wh.x', mode=0o600)], None, None)
    store.image([], [diff])
    return f'overlay2/{cache}/diff'


NOWHERE, OTHER = sha('nowhere'), b'sha256:' + sha('nowhere').encode()
SPLIT, CONFIG = '{layer}/tar-split.json.gz', '{container}/config.v2.json'
FOREIGN = {'container_config': {'Cmd': ['<']}, 'rootfs': {'type': 'layers'}}

BREAKS = {  # name: (where the finding must be, action, severity, part of the text)
    # images
    'config byte changed': ('{config}', swap(b'amd64', b'arm64'), 'error', 'do not hash to its name'),
    'config truncated': ('{config}', cut(1), 'error', 'do not hash to its name'),
    'config removed': ('{tags}', at('{config}', remove), 'error', 'not there or damaged'),
    'config replaced by folder': ('{config}', instead(os.mkdir), 'error', 'dockerd drops the image'),
    'config without rootfs': ('', config_text('{}'), 'error', 'no rootfs'),
    'config of other rootfs type': ('', config_text('{"rootfs":{"type":"tar"}}'), 'error', 'not "layers"'),
    'config no JSON': ('', config_text('{"rootfs":{"type":"layers"}'), 'error', 'Expecting'),
    'config nested too deep': ('', config_text('[' * 100000), 'error', 'recursion'),
    'config with wrong type': ('', image([], config={'Env': 'A=1'}), 'error', 'Env has the wrong type'),
    'config with wrong time': ('', image([], created='today'), 'error', 'not an RFC 3339 time'),
    'config with too much history': ('', image([{'created': TIME}] * 2), 'error', '2 history entries with a layer'),
    'config with 126 layers': ('', image([], 126), 'error', '126 layers, at most 125'),
    'config for another system': ('', image([], os='windows'), 'error', 'not for linux'),
    'config with unknown layer': (f'{{layerdb}}/sha256/{NOWHERE}', unknown_layer, 'error', 'missing: layer 1 of 1'),
    'config not in Go JSON': ('', config_text(json.dumps(FOREIGN)), 'note', 'not encoded as dockerd encodes'),
    'config left by a crash': ('{contents}/.tmp-x1', new_file(), 'warning', 'leftover: not an image ID'),
    'config mode': ('{config}', on_path(os.chmod, 0o644), 'note', 'mode 0644'),
    'parent with other history': ('{metadata}/parent', other_parent,
                                  'error', 'history is not the history of the parent'),
    'parent image removed': ('{metadata}/parent', at('{middle}', remove), 'warning', 'not there or damaged'),
    'parent truncated': ('{metadata}/parent', cut(1), 'error', 'not an image ID'),
    'parent a folder': ('{metadata}/parent', instead(os.mkdir), 'error', 'cannot be read'),
    'lastUpdated altered': ('{metadata}/lastUpdated', contents(b'yesterday'), 'error', 'not a time'),
    'metadata orphan': (f'{METADATA}/{NOWHERE}', new_folder, 'warning', 'metadata of an image that is not there'),
    # tags
    'tag to nothing': ('{tags}', tags({'my': {'my:app': 'app', 'my:gone': NOWHERE}}), 'error', 'not there or damaged'),
    'tag in wrong repository': ('{tags}', tags({'other': {'my:app': 'app'}}), 'error', 'stands under repository'),
    'tag malformed': ('{tags}', tags({'My App': {'My App:1': 'app'}}), 'error', 'not of the form'),
    'tag not familiar': ('{tags}', tags({'docker.io/library/a': {'docker.io/library/a:b': 'app'}}),
                         'error', 'familiar form'),
    'tags empty': ('{tags}', contents(b''), 'error', 'dockerd does not start'),
    'tags truncated': ('{tags}', cut(9), 'error', 'dockerd does not start'),
    'tags of wrong type': ('{tags}', contents(b'{"Repositories":[]}'), 'error', 'dockerd does not start'),
    'tags removed': ('{tags}', remove, 'error', 'all images have lost their names'),
    'tags with spaces': ('{tags}', swap(b':{', b': {'), 'note', 'not encoded as Go'),
    'tags not sorted': ('{tags}', tags({'my': {'my:base': 'base', 'my:app': 'app'}}), 'note', 'keys are not sorted'),
    'tags without references': ('{tags}', tags({'my': {}}), 'warning', 'has no references'),
    'hint truncated': ('{hint}', cut(2), 'warning', 'dockerd ignores it'),
    # layers
    'layer removed': ('{layer}', remove, 'error', 'missing: layer 2 of 2'),
    'layer below removed': ('{layer}/parent', at('{base}', remove), 'error', 'which is not there'),
    'diff removed': ('{layer}/diff', remove, 'error', 'missing: dockerd skips'),
    'diff altered': ('{layer}', at('{layer}/diff', contents(OTHER)), 'error', 'not the ChainID'),
    'diff truncated': ('{layer}/diff', cut(1), 'error', 'holds'),
    'diff with newline': ('{layer}/diff', append(b'\n'), 'note', 'white space'),
    'size removed': ('{layer}/size', remove, 'error', 'missing: dockerd skips'),
    'size with newline': ('{layer}/size', append(b'\n'), 'error', 'holds'),
    'size altered': ('{layer}/size', contents(b'12'), 'error', 'the files have'),
    'cache-id removed': ('{layer}/cache-id', remove, 'error', 'missing: dockerd skips'),
    'cache-id altered': (f'overlay2/{NOWHERE}', at('{layer}/cache-id', contents(OTHER[7:])),
                         'error', 'missing: nothing on it'),
    'cache-id leading out': ('{layer}/cache-id', contents(b'../../etc'), 'error', 'holds'),
    'cache-id shared': ('{layer}/cache-id', share_cache, 'error', 'belongs to layer'),
    'parent removed': ('{layer}', at('{layer}/parent', remove), 'error', 'not the ChainID'),
    'parent altered': ('{layer}/parent', contents(OTHER), 'error', 'which is not there'),
    'removal interrupted': (f'{{layerdb}}/sha256/{NOWHERE}-{NOWHERE}-removing', new_folder, 'warning', 'not a ChainID'),
    'write set left': ('{layerdb}/tmp/write-set-1', new_folder, 'warning', 'an interrupted transaction'),
    'layer orphan': ('', orphan_layer, 'warning', 'orphan: no image'),
    'tar-split removed': (SPLIT, remove, 'error', 'missing: the image cannot be saved'),
    'tar-split truncated': (SPLIT, cut(20), 'error', 'does not decode'),
    'tar-split empty': (SPLIT, contents(b''), 'error', 'does not decode'),
    'tar-split no gzip': (SPLIT, contents(b'{"type":2}'), 'error', 'does not decode'),
    'segment altered': (SPLIT, split(lambda lines: lines[-1].update(payload='AAAA')),
                        'error', 'does not hash to the DiffID'),
    'name twice': (SPLIT, split(lambda lines: lines[3].update(name='./bin')), 'error', 'twice'),
    'position altered': (SPLIT, split(lambda lines: lines[4].update(position=9)), 'note', 'positions'),
    'CRC altered': ('{diff}/cap', at(SPLIT, split(lambda lines: lines[5].update(payload='AAAAAAAAAAA='))),
                    'error', 'its CRC'),
    # caches
    'cache removed': ('{cache}', remove, 'error', 'missing: nothing on it can be run'),
    'cache files removed': ('{diff}', remove, 'error', 'the files are lost'),
    'link removed': ('{cache}/link', remove, 'error', 'cannot be mounted'),
    'short link removed': ('{short}', remove, 'error', 'missing or no symlink'),
    'short link wrong': ('{short}', instead(symlink('../x/diff')), 'error', 'points to ../x/diff'),
    'short link dead': ('overlay2/l/AAAA', on_path(lambda path: os.symlink('../gone/diff', path)),
                        'warning', 'dangling'),
    'lower altered': ('{cache}/lower', edit(lambda data: b'l/' + data[:1:-1]), 'error', 'wrong file system'),
    'lower removed': ('{cache}/lower', remove, 'error', 'wrong file system'),
    'lower of bottom layer': ('{base_cache}/lower', new_file(b'l/AAAA'), 'error', 'ask for none'),
    'committed removed': ('{base_cache}/committed', remove, 'error', 'mounted writable'),
    'work removed': ('{rw}/work', remove, 'error', 'cannot be mounted writable'),
    'cache orphan': (f'overlay2/{NOWHERE}', orphan_cache, 'warning', 'orphan: no layer'),
    'cache half made': (f'overlay2/{NOWHERE}', new_folder, 'warning', 'orphan: no layer'),
    'test mount left': ('overlay2/opaque-bug-check123', new_folder, 'warning', 'leftover: not a cache-id'),
    'link left by a crash': ('{cache}/.tmp-link1', new_file(), 'warning', 'not a file of a cache'),
    'mounted': ('{rw}/merged', new_folder, 'note', 'mounted now, or left'),
    'cache mode': ('{cache}', on_path(os.chmod, 0o755), 'note', 'mode 0755'),
    # files of layers
    'file changed': ('{diff}/etc/new', edit(lambda data: data[:-1] + b'x'), 'error', 'its CRC is not'),
    'file truncated': ('{diff}/etc/new', cut(1), 'error', 'is 69999 bytes, was 70000'),
    'file emptied': ('{diff}/etc/new', contents(b''), 'error', 'is 0 bytes'),
    'file no longer empty': ('{base_diff}/bin/empty', contents(b'x'), 'error', 'is 1 bytes, was 0'),
    'file removed': ('{diff}/etc/new', remove, 'error', 'No such file'),
    'empty file removed': ('{base_diff}/bin/empty', remove, 'error', 'missing, the tar has it as a file'),
    'file added': ('{diff}/added', new_file(), 'error', 'file that the tar does not have'),
    'file of strange name added': ('{diff}/a\\n\\udcff', at('{diff}/a\n\udcff', new_file()), 'error', 'does not have'),
    'file now a symlink': ('{diff}/etc/new', instead(symlink('/etc/passwd')), 'error', 'not a file inside diff/'),
    'file now a FIFO': ('{diff}/etc/new', instead(os.mkfifo), 'error', 'not a file inside diff/'),
    'file lost setuid': ('{base_diff}/bin/su', on_path(os.chmod, 0o755), 'error', 'mode is 0755, was 4755'),
    'file owner': ('{diff}/etc/new', on_path(os.chown, 5, 6), 'error', 'owner is 5:6, was 0:0'),
    'file lost capability': ('{diff}/cap', on_path(os.removexattr, 'security.capability'),
                             'error', 'other file capabilities'),
    'symlink altered': ('{base_diff}/bin/ln', instead(symlink('../tmp')), 'error', 'symlink leads elsewhere'),
    'hard link parted': ('{base_diff}/bin/zz', instead(lambda path: put(path, b'su\n' * 1000)),
                         'error', 'no hard link to bin/su'),
    'device altered': ('{base_diff}/dev/null', instead(device(1, 5)), 'error', 'another device'),
    'FIFO now a file': ('{base_diff}/fifo', instead(lambda path: put(path, b'')),
                        'error', 'is a file, the tar has a FIFO'),
    'folder lost sticky': ('{base_diff}/tmp', on_path(os.chmod, 0o777), 'error', 'mode is 0777, was 1777'),
    'folder removed': ('{base_diff}/tmp', remove, 'error', 'missing, the tar has it as a directory'),
    'folder added': ('{diff}/added', new_folder, 'error', 'directory that the tar does not have'),
    'whiteout removed': ('{diff}/bin/empty', remove, 'error', 'no whiteout'),
    'whiteout added': ('{diff}/bin/su', on_path(os.mknod, stat.S_IFCHR),
                       'error', 'whiteout that the tar does not have'),
    'whiteout at the bottom': ('', whiteout_at_bottom, 'note', 'bottom layer with 1 whiteouts'),
    'opaque removed': ('{diff}/etc', on_path(os.removexattr, 'trusted.overlay.opaque'), 'error', 'not opaque'),
    'opaque added': ('{diff}/bin', on_path(os.setxattr, 'trusted.overlay.opaque', b'y'),
                     'error', 'the tar says nothing of it'),
    'redirect': ('{diff}/bin', on_path(os.setxattr, 'trusted.overlay.redirect', b'/s'),
                 'error', 'lies in a lower layer'),
    'metacopy': ('{base_diff}/etc/conf', on_path(os.setxattr, 'trusted.overlay.metacopy', b''),
                 'error', 'in a lower layer'),
    # containers
    'mount removed': (CONFIG, at('{mount}', remove), 'error', 'no layerdb/mounts entry'),
    'mount-id removed': ('{mount}/mount-id', remove, 'error', 'missing: dockerd does not load'),
    'mount-id malformed': ('{mount}/mount-id', edit(bytes.upper), 'error', 'holds'),
    'init-id removed': ('{rw}/lower', at('{mount}/init-id', remove), 'error', 'ask for l/'),
    'mount parent altered': ('{mount}/parent', contents(OTHER), 'error', 'which is not there'),
    'mount on wrong layer': (CONFIG, other_mount, 'error', 'top layer of its image'),
    'mount half made': (f'{{layerdb}}/mounts/{NOWHERE}', new_folder, 'warning', 'without a container'),
    'init cache removed': ('{init}', remove, 'error', 'missing: nothing on it can be run'),
    'lower without init': ('{rw}/lower', edit(lambda data: data[29:]), 'error', 'wrong file system'),
    'container removed': ('{mount}', at('{container}', remove), 'warning', 'without a container'),
    'container without config': ('{container}', at(CONFIG, remove), 'warning', 'no config.v2.json'),
    'container left by a crash': ('{container}/.tmp-config.v2.json1', new_file(), 'warning', 'an interrupted write'),
    'config.v2 truncated': (CONFIG, cut(5), 'error', 'does not load the container'),
    'config.v2 without newline': (CONFIG, cut(1), 'note', 'not encoded as Go'),
    'config.v2 mode': (CONFIG, on_path(os.chmod, 0o644), 'note', 'mode 0644'),
    'hostconfig truncated': ('{container}/hostconfig.json', cut(5), 'error', 'does not load the container'),
    'hostconfig masks nothing': ('{container}/hostconfig.json', contents(b'{}\n'), 'note', 'MaskedPaths is null'),
    'container name twice': ('containers', lambda store, path: store.container(), 'error', 'taken more than once'),
    'other ID': (CONFIG, reconfigure(ID=NOWHERE), 'error', 'not the name of the directory'),
    'no Config': (CONFIG, reconfigure(Config=None), 'error', 'panics at start'),
    'no Driver': (CONFIG, reconfigure(Driver=None), 'error', 'Driver is not overlay2'),
    'no NetworkSettings': (CONFIG, reconfigure(NetworkSettings=None), 'error', 'makes dockerd panic'),
    'empty endpoint': (CONFIG, reconfigure(NetworkSettings={'Networks': {'none': {}}}), 'error', 'makes dockerd panic'),
    'name without slash': (CONFIG, reconfigure(Name='mine'), 'error', 'Name is missing or malformed'),
    'no Path': (CONFIG, reconfigure(Path=None), 'error', 'cannot be started'),
    'no image': (CONFIG, reconfigure(Image=f'sha256:{NOWHERE}'), 'note', 'its image is not there'),
    'running': (CONFIG, reconfigure(State={'Running': True}), 'note', 'says that it is running'),
    'half removed': (CONFIG, reconfigure(State={'RemovalInProgress': True}), 'warning', 'interrupted removal'),
}


# ---- the tests -------------------------------------------------------------------------------------------------------

def work_directory():
    """A directory whose file system takes trusted.* attributes and device nodes; None if there is none."""
    for parent in None, '/dev/shm', '/var/tmp':
        try:
            path = tempfile.mkdtemp(prefix='store_check_test', dir=parent)
            os.setxattr(path, 'trusted.overlay.opaque', b'y')
            os.mknod(join(path, 'whiteout'), stat.S_IFCHR, 0)
            return path
        except OSError:
            continue


class StoreCheckTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = work_directory()
        if not cls.work:
            raise unittest.SkipTest('needs root and a file system with trusted.* attributes')

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def setUp(self):
        self.store = SmallStore(join(self.work, self.id()))

    def tearDown(self):
        shutil.rmtree(self.store.root)

    def command(self, *options):
        command = [sys.executable, store_check.__file__, *options]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    def expect(self, where, action, severity, text):
        path = where.format(**self.store.places())
        path = action(self.store, path) or path
        findings = store_check.check(self.store.root).findings
        listed = '\n'.join(map(str, findings))
        self.assertTrue(any(f.severity == severity and f.path == path and text in f.what for f in findings),
                        f'no {severity} at {path} with {text!r} in:\n{listed}')
        if severity != 'error':
            self.assertNotIn('error', {f.severity for f in findings}, listed)
        if severity == 'note':
            self.assertNotIn('warning', {f.severity for f in findings}, listed)

    def test_sound_store_is_clean(self):
        store = store_check.check(self.store.root, rebuild_from_diff=True)
        self.assertEqual(store.findings, [])
        counts = store_check.summary(store)
        self.assertEqual(list(counts.values())[:5], [3, 2, 4, 1, 2])  # images, layers, caches, containers, tags
        self.assertEqual(store.rebuilt, {'28': 2, 'Strata': 2})

    def test_command(self):
        result = self.command(self.store.root, '--expect-clean')
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn('3 images, 2 layers, 4 caches, 1 containers, 2 tags', result.stdout)
        BREAKS['tags not sorted'][1](self.store, TAGS)  # a note
        self.assertEqual([self.command(self.store.root, *more).returncode for more in ([], ['--expect-clean'])], [0, 1])
        path = '{diff}/etc/new'.format(**self.store.places())
        BREAKS['file changed'][1](self.store, path)
        result = self.command('--json', self.store.root)
        report = json.loads(result.stdout)
        self.assertEqual((result.returncode, report['summary']['errors'], report['findings'][-1]['path']),
                         (1, 1, path))
        self.assertIn('my:app', report['findings'][-1]['what'])
        self.assertEqual(self.command('--fast', self.store.root).returncode, 0)
        self.assertEqual(self.command(self.store.path('overlay2')).returncode, 2)

    def test_strata_folder_is_not_looked_at(self):
        put(self.store.path('strata/index.db'), 'x')
        self.assertEqual(store_check.check(self.store.root).findings, [])

    def test_nothing_is_written(self):
        def state():
            paths = [join(folder, name) for folder, folders, files in os.walk(self.store.root)
                     for name in folders + files]
            return [(path, os.lstat(path).st_ctime_ns, os.lstat(path).st_mtime_ns) for path in sorted(paths)]
        before = state()
        store_check.check(self.store.root, rebuild_from_diff=True)
        self.assertEqual(state(), before)

    def test_one_lost_file_is_one_finding(self):
        path = '{base_diff}/etc/conf'.format(**self.store.places())
        os.unlink(self.store.path(path))
        self.assertEqual([finding.path for finding in store_check.check(self.store.root).findings], [path])

    def test_crc(self):
        for size in [*range(80), 511, 1000, 70000]:
            data = bytes(i * i % 251 for i in range(size))
            state = store_check.crc64(data[size // 3:], store_check.crc64(data[:size // 3]))
            self.assertEqual(state ^ store_check.ALL_ONES, crc64(data), size)
        self.assertEqual(base64.b64encode(crc64(b'a\n').to_bytes(8, 'big')), b'YUQgAAAAAAA=')


for name, expectation in BREAKS.items():
    setattr(StoreCheckTest, 'test_' + re.sub(r'\W', '_', name), lambda self, row=expectation: self.expect(*row))

if __name__ == '__main__':
    unittest.main()
