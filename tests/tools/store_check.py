#!/usr/bin/env python3
"""Checks a dockerd overlay2 data-root: a second opinion on every store that Strata writes.

Read-only, offline, standard library only, no code shared with Strata. The formats stand in docs/store.md:
"[4.2]" below is its section 4.2, "invariant 3" the third of its section 10. ROOT/strata/ is not looked at.

Severities: error = an image or a container is damaged, or dockerd would choke; warning = waste (orphans, leftovers of
crashes); note = works, but odd. Exit status: 0 clean, 1 errors or warnings (with --expect-clean notes too), 2 not a
data-root.

Reading order: findings and small files, Go's JSON, bolt, then one part per room of the store (images, tags, layers,
caches, containers, reachability), then what is in a layer (tar-split against diff/), then the layer tar made anew.
"""
import argparse
import base64
import collections
import concurrent.futures
import grp
import gzip
import hashlib
import json
import os
import pwd
import re
import stat
import struct
import sys
import zlib
from os.path import join
from typing import NamedTuple

HEX64 = re.compile(r'[0-9a-f]{64}')
DIGEST = re.compile(r'sha256:[0-9a-f]{64}')
CACHE_ID = re.compile(r'[0-9a-f]{64}(-init)?|[0-9a-z]{25}')
MOUNT_ID = re.compile(r'[0-9a-f]{64}(-init)?')
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)')
CONTAINER_NAME = re.compile(r'/[a-zA-Z0-9][a-zA-Z0-9_.-]+')
UNPRINTABLE = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
MAX_LAYERS = 125
UNKNOWN = '?'  # stands for a parent cache that cannot be known because its layer is damaged


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# ---- findings and small files ----------------------------------------------------------------------------------------

class Finding(NamedTuple):
    severity: str
    path: str
    what: str


def printable(text):
    """One line of valid UTF-8, whatever bytes a hostile name brought along."""
    return UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], os.fsdecode(text))


def quiet_open(path):
    """Opens a file for reading; leaves its access time alone, follows no symlink, never blocks on a FIFO."""
    def opener(name, flags):
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            return os.open(name, flags | os.O_NOATIME)
        except PermissionError:  # somebody else's file
            return os.open(name, flags)
    return open(path, 'rb', opener=opener)


def read(path):
    with quiet_open(path) as file:
        return file.read()


class Image(NamedTuple):
    config: dict
    chain: list  # ChainIDs in hex, bottom layer first
    history: list


class Layer(NamedTuple):  # a field is None where its file is missing or makes no sense
    path: str
    diff: str
    size: str
    cache_id: str
    parent: str  # ChainID in hex; '' for a bottom layer


class Cache(NamedTuple):
    path: str
    link: str
    lower: str  # '' where there is no such file


class Mount(NamedTuple):
    path: str
    mount_id: str
    init_id: str
    parent: str


class Store:
    """What the small files of ROOT say, and the findings about those that make no sense."""

    def __init__(self, root):
        self.root, self.findings = root, []
        self.images, self.layers, self.caches, self.mounts, self.tags = {}, {}, {}, {}, {}
        self.containers, self.bytes_verified, self.rebuilt = 0, 0, collections.Counter()
        self.users = collections.defaultdict(list)  # ChainID -> names of the images on it
        self.buildkit = set()  # every key and value of BuildKit's snapshots.db

    def path(self, *names):
        return join(self.root, *names)

    def add(self, severity, path, what, about=''):
        where = os.path.relpath(path, self.root)
        self.findings.append(Finding(severity, printable(where), printable(f'{what} ({about})' if about else what)))

    def mode(self, path, *allowed):
        """A note unless the permission bits are among those that store.md gives."""
        if os.path.lexists(path) and (mode := stat.S_IMODE(os.lstat(path).st_mode)) not in allowed:
            self.add('note', path, f'mode {mode:04o}, dockerd gives it {allowed[0]:04o}')

    def list(self, folder, pattern=None, kind=''):
        """Names in `folder`, sorted. Where a pattern is given, other names are reported as leftovers and left out."""
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        for name in names:
            if pattern and not pattern.fullmatch(name):
                self.add('warning', join(folder, name), f'leftover: not {kind}')
        return [name for name in names if not pattern or pattern.fullmatch(name)]

    def field(self, path, pattern, about, harm, trim=True, optional=False):
        """Text of a one-line file; None, with an error, if it is missing or malformed; '' if optional and missing."""
        try:
            data = read(path).decode('ascii', 'replace')
        except FileNotFoundError:
            if optional:
                return ''
            self.add('error', path, f'missing: {harm}', about)
            return None
        except OSError as problem:
            self.add('error', path, f'{problem.strerror}: {harm}', about)
            return None
        self.mode(path, 0o644)
        text = data.strip() if trim else data
        if not pattern.fullmatch(text):
            self.add('error', path, f'holds {text[:80]!r}: {harm}', about)
            return None
        if text != data:
            self.add('note', path, 'white space around the value', about)
        return text

    def json(self, path, about, harm, newline=''):
        """Decoded object of a file that dockerd encodes itself [1.3]; None, with an error, if it does not decode."""
        try:
            data = read(path)
            value = parse_json(data.decode())
        except (OSError, ValueError, RecursionError) as problem:
            self.add('error', path, f'{harm}: {problem}', about)
            return None
        if not isinstance(value, dict):
            self.add('error', path, f'{harm}: not a JSON object', about)
            return None
        if not is_go_json(data, value, newline):
            self.add('note', path, 'not encoded as Go encodes JSON', about)
        return value

    def label(self, image):
        """Name of an image for a finding: its first tag, else the start of its ID."""
        return next((tag for tag, target in self.tags.items() if target == image), image[:12])

    def about(self, chain):
        """Names a layer and the images on it, for a finding."""
        users = self.users.get(chain, [])
        more = f' and {len(users) - 3} more' if len(users) > 3 else ''
        return f'layer {chain[:12]}' + (f'; image {", ".join(users[:3])}{more}' if users else '; no image')

    def cache_of(self, chain):
        """cache-id of a layer; None for no layer, UNKNOWN if the layer is damaged."""
        if not chain:
            return None if chain == '' else UNKNOWN
        layer = self.layers.get(chain)
        return layer.cache_id or UNKNOWN if layer else UNKNOWN

    def ancestry(self, chain):
        """The ChainID and those below it, as far as the LayerDB knows them."""
        seen = []
        while chain and chain in self.layers and chain not in seen:
            seen.append(chain)
            chain = self.layers[chain].parent
        return seen


# ---- Go's JSON [1.3] -------------------------------------------------------------------------------------------------

class Number(str):
    """A JSON number as it was written."""


GO_ESCAPES = {c: f'\\u{c:04x}' for c in [*range(32), *map(ord, '<>&\u2028\u2029')]}
GO_ESCAPES |= {ord('"'): '\\"', ord('\\'): '\\\\', 10: '\\n', 13: '\\r', 9: '\\t'}
GO_ESCAPES_SINCE_1_22 = GO_ESCAPES | {8: '\\b', 12: '\\f'}


def refuse(text):
    raise ValueError(f'{text} is not JSON')


def parse_json(text):
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=refuse)


def go_json(value, escapes):
    if isinstance(value, dict):
        return '{' + ','.join(f'{go_json(k, escapes)}:{go_json(v, escapes)}' for k, v in value.items()) + '}'
    if isinstance(value, list):
        return '[' + ','.join(go_json(v, escapes) for v in value) + ']'
    if isinstance(value, str) and not isinstance(value, Number):
        return '"' + value.translate(escapes) + '"'
    return {True: 'true', False: 'false', None: 'null'}[value] if value in (True, False, None) else value


def is_go_json(data, value, newline=''):
    data = data.replace(b'\\ufffd', '\ufffd'.encode())  # Go's mark for invalid UTF-8; a genuine one is not escaped
    return any(data == (go_json(value, table) + newline).encode('utf-8', 'surrogatepass')
               for table in (GO_ESCAPES, GO_ESCAPES_SINCE_1_22))


def typed(value, key, kinds, default=None):
    """value[key] as Go's decoder finds it (exact key, else any case; null = default); ValueError if of another type."""
    if key not in value:
        key = next((k for k in reversed(value) if k.lower() == key.lower()), key)
    found = value.get(key)
    if found is None:
        return default
    if not isinstance(found, kinds) or isinstance(found, Number):
        raise ValueError(f'{key} has the wrong type')
    return found


# ---- BuildKit's snapshots.db: a bolt database [5.3] ------------------------------------------------------------------

def bolt_strings(db):
    """Yields every key and value of a bolt database, those of nested buckets included."""
    size = struct.unpack_from('<I', db, 24)[0]
    metas = [struct.unpack_from('<I12xQ24xQ', db, at + 16) for at in (0, size)]  # magic, root page, transaction
    root = max((m for m in metas if m[0] == 0xED0CDAED), key=lambda m: m[2])[1]

    def page(data, at):
        flags, count = struct.unpack_from('<HH', data, at + 8)
        for i in range(count):
            element = at + 16 + 16 * i
            if flags & 1:  # branch
                yield from page(db, struct.unpack_from('<Q', data, element + 8)[0] * size)
                continue
            kind, offset, key_size, value_size = struct.unpack_from('<IIII', data, element)
            key, end = element + offset, element + offset + key_size
            value = data[end:end + value_size]
            yield data[key:end]
            if kind & 1:  # a bucket: on a page of its own, or inline behind its header
                below = struct.unpack_from('<Q', value)[0]
                yield from page(db, below * size) if below else page(value, 16)
            else:
                yield value
    yield from page(db, root * size)


def load_buildkit(store):
    path = store.path('buildkit/snapshots.db')
    try:
        store.buildkit = {text.decode('utf-8', 'replace') for text in bolt_strings(read(path))}
    except FileNotFoundError:
        pass
    except (OSError, ValueError, struct.error, RecursionError) as problem:
        store.add('note', path, f'not readable, BuildKit\'s layers will look like orphans: {problem}')


# ---- images: ImageDB [1], invariants 1 and 6 -------------------------------------------------------------------------

CONFIG_TYPES = {'Env': list, 'Cmd': (list, str), 'Entrypoint': (list, str), 'OnBuild': list, 'Labels': dict,
                'Volumes': dict, 'ExposedPorts': dict, 'User': str, 'WorkingDir': str, 'Image': str, 'StopSignal': str}


def chain_ids(diff_ids):
    """ChainIDs of all prefixes of a list of DiffIDs [2.2], in hex."""
    chain = []
    for diff in diff_ids:
        chain.append(sha256(f'sha256:{chain[-1]} {diff}'.encode()) if chain else diff.removeprefix('sha256:'))
    return chain


def parse_image(data):
    """Image of a config; ValueError says why dockerd would refuse it or could not use it."""
    config = parse_json(data.decode('utf-8', 'replace'))
    if not isinstance(config, dict):
        raise ValueError('not a JSON object')
    rootfs = typed(config, 'rootfs', dict)
    if rootfs is None:
        raise ValueError('no rootfs')
    if typed(rootfs, 'type', str) != 'layers':
        raise ValueError('rootfs.type is not "layers"')
    diff_ids, history = typed(rootfs, 'diff_ids', list, []), typed(config, 'history', list, [])
    if not all(isinstance(d, str) and DIGEST.fullmatch(d) for d in diff_ids):
        raise ValueError('rootfs.diff_ids holds something else than sha256 digests')
    filled = sum(not typed(entry, 'empty_layer', bool, False) for entry in history)
    if filled > len(diff_ids):
        raise ValueError(f'{filled} history entries with a layer, but only {len(diff_ids)} layers')
    if len(diff_ids) > MAX_LAYERS:
        raise ValueError(f'{len(diff_ids)} layers, at most {MAX_LAYERS} can be used')
    if typed(config, 'os', str, '') not in ('', 'linux'):
        raise ValueError('not for linux')
    for entry in [config, *history]:
        if not TIME.fullmatch(typed(entry, 'created', str, '0001-01-01T00:00:00Z')):
            raise ValueError('a "created" is not an RFC 3339 time')
    for key, kinds in CONFIG_TYPES.items():
        typed(typed(config, 'config', dict, {}), key, kinds)
    return Image(config, chain_ids(diff_ids), history)


def load_images(store):
    folder = store.path('image/overlay2/imagedb/content/sha256')
    for name in store.list(folder, HEX64, 'an image ID'):
        path, about = join(folder, name), f'image {name[:12]}'
        store.mode(path, 0o600)
        try:
            data = read(path)
            if sha256(data) != name:
                raise ValueError('its bytes do not hash to its name')
            image = store.images[name] = parse_image(data)
        except (OSError, ValueError, AttributeError, TypeError, RecursionError) as problem:
            store.add('error', path, f'dockerd drops the image: {problem}', about)
            continue
        if 'container_config' in image.config:  # written by dockerd's own encoder [1.2], here or elsewhere
            if not is_go_json(data, image.config) or list(image.config) != sorted(image.config):
                store.add('note', path, 'not encoded as dockerd encodes a config (unless built elsewhere)', about)


def check_images(store):
    """Layers are there (invariant 2), metadata is sound (invariant 6)."""
    for name, image in store.images.items():
        for depth, chain in enumerate(image.chain, 1):
            if chain not in store.layers:
                store.add('error', store.path('image/overlay2/layerdb/sha256', chain),
                          f'missing: layer {depth} of {len(image.chain)}; dockerd drops the image',
                          f'image {store.label(name)}')
    folder = store.path('image/overlay2/imagedb/metadata/sha256')
    for name in store.list(folder, HEX64, 'an image ID'):
        if not os.path.exists(store.path('image/overlay2/imagedb/content/sha256', name)):
            store.add('warning', join(folder, name), 'leftover: metadata of an image that is not there')
            continue
        store.mode(join(folder, name), 0o700)
        for key in store.list(join(folder, name), re.compile('parent|lastUpdated|builtLocally'), 'a metadata key'):
            check_metadata(store, join(folder, name, key), name, key)


def check_metadata(store, path, name, key):
    about, value = f'image {store.label(name)}', read(path).decode('ascii', 'replace')
    store.mode(path, 0o600)
    if key == 'lastUpdated' and not (value == '' or TIME.fullmatch(value)):
        store.add('error', path, f'holds {value[:40]!r}, not a time: docker inspect fails', about)
    elif key == 'builtLocally' and value != '\x01':
        store.add('note', path, f'holds {value[:10]!r}, not the byte 1', about)
    elif key == 'parent' and not DIGEST.fullmatch(value):
        store.add('error', path, f'holds {value[:80]!r}, not an image ID', about)
    elif key == 'parent' and name in store.images:
        parent, history = store.images.get(value[7:]), store.images[name].history
        if parent is None:
            store.add('warning', path, f'names image {value[7:19]}, which is not there or damaged', about)
        elif history[:-1] != parent.history or (not history and not parent.history):
            store.add('error', path, 'history is not the history of the parent plus one entry: docker load '
                      f'will refuse what docker save writes (parent {store.label(value[7:])})', about)


# ---- tags and registry hints [5], invariant 7 ------------------------------------------------------------------------

COMPONENT = r'[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*'
DOMAIN = r'(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::[0-9]+)?'
TAG = r'[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}'
REFERENCE = re.compile(rf'((?:{DOMAIN}/)?{COMPONENT}(?:/{COMPONENT})*)(?::{TAG}|@{DIGEST.pattern})')


def load_tags(store):
    path = store.path('image/overlay2/repositories.json')
    if not os.path.lexists(path):
        lost = ', all images have lost their names' if store.images else ''
        store.add('error' if store.images else 'note', path, f'missing: dockerd will write an empty one{lost}')
        return
    store.mode(path, 0o600)
    value = store.json(path, 'all tags', 'dockerd does not start')
    try:
        repositories = typed(value or {}, 'Repositories', dict, {})
        for repository in repositories:
            for reference, image in typed(repositories, repository, dict, {}).items():
                check_tag(store, path, repository, reference, image)
            if not repositories[repository]:
                store.add('warning', path, f'repository {repository} has no references')
        for level in [repositories, *filter(None, repositories.values())]:
            if list(level) != sorted(level, key=lambda name: name.encode('utf-8', 'surrogatepass')):
                store.add('note', path, 'keys are not sorted')
    except ValueError as problem:
        store.add('error', path, f'dockerd does not start: {problem}', 'all tags')


def check_tag(store, path, repository, reference, image):
    """One reference; it must be in the familiar form, under its own name, and lead to a sound image."""
    match = REFERENCE.fullmatch(reference)
    if not match or match[1] == 'sha256':
        problem = 'is not of the form name:tag or name@sha256:..., dockerd ignores it'
    elif match[1] != repository:
        problem = f'stands under repository {repository}, dockerd cannot remove it'
    elif re.match(r'(index\.)?docker\.io/|library/', reference):
        problem = 'is not in the familiar form, dockerd does not find it'
    elif not isinstance(image, str) or not DIGEST.fullmatch(image):
        problem = f'leads to {image!r:.80}, not an image ID'
    else:
        store.tags[reference] = image[7:]
        if image[7:] in store.images:
            return
        problem = f'leads to image {image[7:19]}, which is not there or damaged'
    store.add('error', path, f'tag {reference} {problem}')


def name_layers(store):
    """Notes for each layer which images stand on it."""
    for name, image in store.images.items():
        label = store.label(name)
        for chain in image.chain:
            store.users[chain].append(label)


def check_distribution(store):
    """Registry hints are only hints: what is wrong is waste."""
    top = store.path('image/overlay2/distribution')
    folder = join(top, 'diffid-by-digest/sha256')
    for name in store.list(folder, HEX64, 'a digest'):
        if not DIGEST.fullmatch(read(join(folder, name)).decode('ascii', 'replace')):
            store.add('warning', join(folder, name), 'does not hold a DiffID')
        store.mode(join(folder, name), 0o644)
    folder = join(top, 'v2metadata-by-diffid/sha256')
    for name in store.list(folder, HEX64, 'a DiffID'):
        path = join(folder, name)
        store.mode(path, 0o644)
        try:
            data = read(path)
            value = parse_json(data.decode())
            if not all(DIGEST.fullmatch(typed(hint, 'Digest', str, '')) and typed(hint, 'SourceRepository', str)
                       for hint in value):
                raise ValueError('an element without Digest or SourceRepository')
            if not is_go_json(data, value):
                store.add('note', path, 'not encoded as Go encodes JSON')
        except (ValueError, TypeError, AttributeError, RecursionError) as problem:
            store.add('warning', path, f'dockerd ignores it: {problem}')


# ---- layers: LayerDB [2], invariant 2 --------------------------------------------------------------------------------

LAYER_FILES = re.compile(r'diff|size|cache-id|parent|tar-split\.json\.gz|descriptor\.json')


def load_layers(store):
    folder = store.path('image/overlay2/layerdb/sha256')
    for name in store.list(folder, HEX64, 'a ChainID (an interrupted removal, if it ends in -removing)'):
        path, about, harm = join(folder, name), store.about(name), 'dockerd skips this layer and all on it'
        store.mode(path, 0o700)
        parent = store.field(join(path, 'parent'), DIGEST, about, harm, optional=True)
        store.layers[name] = Layer(
            path, store.field(join(path, 'diff'), DIGEST, about, harm),
            store.field(join(path, 'size'), re.compile(r'\d{1,18}'), about, harm, trim=False),
            store.field(join(path, 'cache-id'), CACHE_ID, about, harm), parent and parent[7:])


def check_layers(store):
    for name, layer in store.layers.items():
        about = store.about(name)
        store.list(layer.path, LAYER_FILES, 'a file of a layer')
        if layer.parent and layer.parent not in store.layers:
            store.add('error', join(layer.path, 'parent'), f'names layer {layer.parent[:12]}, which is not there',
                      about)
        if layer.diff and layer.parent is not None:
            if name != (sha256(f'sha256:{layer.parent} {layer.diff}'.encode()) if layer.parent else layer.diff[7:]):
                store.add('error', layer.path, 'the name is not the ChainID of its parent and diff', about)
        if os.path.lexists(path := join(layer.path, 'descriptor.json')):
            store.json(path, about, 'dockerd skips this layer and all on it')
        if os.path.lexists(path := join(layer.path, 'tar-split.json.gz')):
            store.mode(path, 0o644)
        else:
            store.add('error', path, 'missing: the image cannot be saved or pushed', about)


# ---- caches: overlay2/ [3], invariants 3 and 4 -----------------------------------------------------------------------

CACHE_FILES = re.compile('diff|link|lower|work|committed|merged')
LINK, LOWER = re.compile('[A-Za-z0-9]+'), re.compile('l/[A-Za-z0-9]+(:l/[A-Za-z0-9]+)*')


def load_caches(store):
    """All cache directories; what is wrong in them matters only if somebody needs them, so check_cache() reports it."""
    top = store.path('overlay2')
    names = store.list(top, re.compile(f'{CACHE_ID.pattern}|l|backingFsBlockDev'), 'a cache-id')
    unreported = Store(store.root)
    for name in filter(CACHE_ID.fullmatch, names):
        store.caches[name] = Cache(join(top, name), *cache_fields(unreported, join(top, name), ''))


def cache_fields(store, path, about):
    """`link` and `lower` of a cache directory."""
    harm = 'it cannot be mounted, nor what is on it'
    return (store.field(join(path, 'link'), LINK, about, harm),
            store.field(join(path, 'lower'), LOWER, about, harm, optional=True))


def claims(store):
    """Which cache directory is needed on which other: (cache-id, parent cache-id or None, about, file that says so)."""
    for name, layer in store.layers.items():
        if layer.cache_id:
            yield layer.cache_id, store.cache_of(layer.parent), store.about(name), join(layer.path, 'cache-id')
    for name, mount in store.mounts.items():
        about, top = f'container {name[:12]}', store.cache_of(mount.parent)
        if mount.init_id:
            yield mount.init_id, top, f'init layer of {about}', join(mount.path, 'init-id')
        if mount.mount_id:
            parent = UNKNOWN if mount.init_id is None else mount.init_id or top
            yield mount.mount_id, parent, about, join(mount.path, 'mount-id')


def check_caches(store):
    """Every claimed cache directory is there, claimed once, and stands on the right one; the rest is orphaned."""
    claimed, parents = {}, {parent for _, parent, _, _ in claims(store)}
    for cache_id, parent, about, source in claims(store):
        if cache_id in claimed:
            store.add('error', source, f'cache {cache_id[:12]} belongs to {claimed[cache_id]} too', about)
            continue
        claimed[cache_id] = about
        if cache_id not in store.caches:
            store.add('error', store.path('overlay2', cache_id), 'missing: nothing on it can be run or saved', about)
            continue
        check_cache(store, cache_id, parent, about)
        if cache_id in parents and not os.path.lexists(path := join(store.caches[cache_id].path, 'committed')):
            store.add('error', path, 'missing: a layer that others stand on would be mounted writable', about)
    for cache_id in sorted(store.caches.keys() - claimed.keys()):
        if cache_id in store.buildkit:
            check_cache(store, cache_id, UNKNOWN, 'BuildKit')
        else:
            store.add('warning', store.caches[cache_id].path, 'orphan: no layer, container or BuildKit record names it')
    check_links(store)


def check_cache(store, cache_id, parent, about):
    path, link, lower = store.caches[cache_id]
    cache_fields(store, path, about)
    if link and not re.fullmatch('[A-Z2-7]{26}', link):
        store.add('note', join(path, 'link'), 'not 26 characters of base32', about)
    if not os.path.isdir(join(path, 'diff')):
        store.add('error', join(path, 'diff'), 'missing: the files are lost', about)
    if link:
        check_link(store, store.path('overlay2/l', link), f'../{cache_id}/diff', about)
    expected = expected_lower(store, parent)
    if None not in (lower, expected) and lower != expected:
        store.add('error', join(path, 'lower'), f'is {lower or "missing"}, the layers below ask for '
                  f'{expected or "none"}: wrong file system', about)
    for entry in (lower or '').split(':') if expected is None else []:
        if entry and not os.path.isdir(store.path('overlay2', entry)):
            store.add('error', join(path, 'lower'), f'{entry} leads nowhere: it cannot be mounted', about)
    if expected is None and lower == '' and os.path.isdir(join(path, 'work')):
        store.add('error', join(path, 'lower'), 'missing, work/ shows that it stood on another: wrong file system',
                  about)
    if lower and not os.path.isdir(join(path, 'work')):
        sealed = os.path.exists(join(path, 'committed'))
        store.add('note' if sealed else 'error', join(path, 'work'), 'missing: it cannot be mounted writable', about)
    if os.path.lexists(join(path, 'merged')):
        store.add('note', join(path, 'merged'), 'mounted now, or left by a crash', about)
    if os.path.lexists(join(path, 'committed')) and os.path.getsize(join(path, 'committed')):
        store.add('note', join(path, 'committed'), 'not empty', about)
    store.list(path, CACHE_FILES, 'a file of a cache directory')
    for name, mode in ('', 0o710), ('work', 0o700), ('committed', 0o600):
        store.mode(join(path, name).rstrip('/'), mode)


def expected_lower(store, parent):
    """`lower` of a cache on `parent` [3.3]; '' for a bottom one, None if the parent is unknown or itself damaged."""
    if parent is None:
        return ''
    cache = store.caches.get(parent)
    if cache is None or cache.link is None or cache.lower is None:
        return None
    return f'l/{cache.link}' + (f':{cache.lower}' if cache.lower else '')


def check_link(store, path, target, about):
    try:
        found = os.readlink(path)
    except OSError:
        store.add('error', path, 'missing or no symlink: nothing on it can be mounted', about)
    else:
        if found != target:
            store.add('error', path, f'points to {found}, not to {target}', about)


def check_links(store):
    """Entries of l/ that no `link` file names."""
    named = {cache.link for cache in store.caches.values()}
    for name in store.list(store.path('overlay2/l')):
        path = store.path('overlay2/l', name)
        if name not in named:
            dead = 'dangling' if not os.path.exists(path) else 'no cache has it as its link'
            store.add('warning', path, f'leftover: {dead}')


# ---- containers [2.6, 6], invariant 8 --------------------------------------------------------------------------------

def load_mounts(store):
    folder = store.path('image/overlay2/layerdb/mounts')
    for name in store.list(folder, HEX64, 'a container ID'):
        path, about, harm = join(folder, name), f'container {name[:12]}', 'dockerd does not load the container'
        if not os.path.lexists(store.path('containers', name, 'config.v2.json')):
            store.add('warning', path, 'leftover: a container layer without a container', about)
            continue
        store.mode(path, 0o755)
        parent = store.field(join(path, 'parent'), DIGEST, about, harm, optional=True)
        mount = store.mounts[name] = Mount(
            path, store.field(join(path, 'mount-id'), MOUNT_ID, about, harm),
            store.field(join(path, 'init-id'), MOUNT_ID, about, harm, optional=True), parent and parent[7:])
        store.list(path, re.compile('mount-id|init-id|parent'), 'a file of a container mount')
        if mount.parent and mount.parent not in store.layers:
            store.add('error', join(path, 'parent'), f'names layer {mount.parent[:12]}, which is not there', about)
        if mount.init_id and mount.mount_id and mount.init_id != f'{mount.mount_id}-init':
            store.add('note', join(path, 'init-id'), 'is not <mount-id>-init', about)


def check_containers(store):
    names = collections.defaultdict(list)
    for name in store.list(store.path('containers'), HEX64, 'a container ID'):
        path, about = store.path('containers', name), f'container {name[:12]}'
        store.mode(path, 0o710)
        for entry in store.list(path):
            if entry.startswith('.tmp-'):
                store.add('warning', join(path, entry), 'leftover: an interrupted write', about)
        if not os.path.lexists(join(path, 'config.v2.json')):
            store.add('warning', path, 'leftover: no config.v2.json, dockerd does not list it', about)
            continue
        store.containers += 1
        config = store.json(join(path, 'config.v2.json'), about, 'dockerd does not load the container', '\n')
        try:
            if config is not None:
                check_container(store, name, join(path, 'config.v2.json'), config)
                names[typed(config, 'Name', str, '')].append(about)
            check_host_config(store, join(path, 'hostconfig.json'), about)
        except (ValueError, AttributeError) as problem:
            store.add('error', path, f'dockerd does not load the container: {problem}', about)
    for name, owners in names.items():
        if len(owners) > 1 and name:
            store.add('error', store.path('containers'), f'name {name} is taken more than once', ', '.join(owners))


def check_container(store, name, path, config):
    """The least that keeps dockerd from losing a container or crashing on it (table in [6])."""
    about, mount = f'container {name[:12]}', store.mounts.get(name)

    def demand(fine, severity, what):
        if not fine:
            store.add(severity, path, what, about)
    store.mode(path, 0o600)
    demand(typed(config, 'ID', str) == name, 'error',
           'ID is not the name of the directory: dockerd ignores the container')
    demand(typed(config, 'Config', dict) is not None, 'error', 'no Config: dockerd panics at start')
    demand(typed(config, 'Driver', str) == 'overlay2', 'error', 'Driver is not overlay2: dockerd ignores the container')
    demand(mount, 'error', 'no layerdb/mounts entry: dockerd does not list the container')
    demand(CONTAINER_NAME.fullmatch(typed(config, 'Name', str, '')), 'error', 'Name is missing or malformed')
    demand(typed(config, 'Path', str), 'error', 'no Path: it cannot be started')
    network = typed(config, 'NetworkSettings', dict)
    demand(network is not None, 'error', 'no NetworkSettings: docker inspect makes dockerd panic')
    for key, endpoint in typed(network or {}, 'Networks', dict, {}).items():
        demand((endpoint or {}).keys() - {'IPAMOperational'}, 'error',
               f'network {key} has no endpoint field: docker start makes dockerd panic')
    state = typed(config, 'State', dict, {})
    demand(not typed(state, 'RemovalInProgress', bool) and not typed(state, 'Dead', bool), 'warning',
           'leftover: an interrupted removal, dockerd lists it as dead')
    demand(not typed(state, 'Running', bool), 'note', 'says that it is running')
    image = store.images.get(typed(config, 'Image', str, '').removeprefix('sha256:'))
    demand(image, 'note', 'its image is not there')
    if image and mount and mount.parent is not None:
        demand(mount.parent == (image.chain or [''])[-1], 'error',
               'its layer does not stand on the top layer of its image')


def check_host_config(store, path, about):
    if not os.path.lexists(path):
        return
    store.mode(path, 0o644, 0o600)
    config = store.json(path, about, 'dockerd does not load the container', '\n')
    if config is not None and not typed(config, 'Privileged', bool):
        for key in 'MaskedPaths', 'ReadonlyPaths':
            if typed(config, key, list) is None:
                store.add('note', path, f'{key} is null: none of these host paths is hidden from the container', about)


# ---- the whole: modes, leftovers, reachability [0, 9], invariant 10 --------------------------------------------------

DIRECTORY_MODES = {'.': 0o710, 'image/overlay2': 0o700, 'image/overlay2/imagedb': 0o700,
                   'image/overlay2/imagedb/content/sha256': 0o700, 'image/overlay2/imagedb/metadata/sha256': 0o700,
                   'image/overlay2/layerdb': 0o700, 'overlay2': 0o710, 'overlay2/l': 0o700, 'containers': 0o710}


def check_frame(store):
    """Directories that hold the rest, leftovers beside them, and whether somebody is at work on the store."""
    for name, mode in DIRECTORY_MODES.items():
        store.mode(store.path(name), mode)
    nothing = re.compile('(?!)')
    store.list(store.path('image/overlay2/layerdb/tmp'), nothing, 'part of any layer (an interrupted transaction)')
    known = re.compile(r'imagedb|layerdb|distribution|repositories\.json')
    store.list(store.path('image/overlay2'), known, 'part of the store')
    store.list(store.path('image/overlay2/layerdb'), re.compile('sha256|mounts|tmp'), 'part of the LayerDB')
    try:
        lock = os.stat(store.path('volumes/metadata.db'))
        device = f'{os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}:{lock.st_ino}'
        with open('/proc/locks') as locks:
            holders = [line.split()[4] for line in locks if f' {device} ' in line and '->' not in line]
    except OSError:
        return
    if holders:
        store.add('note', store.path('volumes/metadata.db'), f'locked by process {holders[0]}: the store is changing')


def check_reachability(store):
    kept = set()
    for image in store.images.values():
        kept.update(image.chain)
    for mount in store.mounts.values():
        kept.update(store.ancestry(mount.parent))
    for text in store.buildkit:
        if DIGEST.fullmatch(text):
            kept.update(store.ancestry(text[7:]))
    for chain in sorted(store.layers.keys() - kept):
        store.add('warning', store.layers[chain].path, 'orphan: no image, container or BuildKit record needs it',
                  f'layer {chain[:12]}')


# ---- what is in a layer: tar-split against diff/ [3.5, 4], invariants 5 and 9 ----------------------------------------

BLOCK = 1 << 16
ALL_ONES = (1 << 64) - 1
KINDS = {'0': stat.S_IFREG, '2': stat.S_IFLNK, '3': stat.S_IFCHR, '4': stat.S_IFBLK, '5': stat.S_IFDIR,
         '6': stat.S_IFIFO}
KIND_NAMES = {stat.S_IFREG: 'file', stat.S_IFLNK: 'symlink', stat.S_IFCHR: 'character device',
              stat.S_IFBLK: 'block device', stat.S_IFDIR: 'directory', stat.S_IFIFO: 'FIFO', stat.S_IFSOCK: 'socket'}
OPAQUE = b'.wh..wh..opq'


def crc64(data, state=ALL_ONES):
    """State of Go's CRC-64/ISO after `data` (XOR the last one with ALL_ONES).

    A little-endian integer holds the reflected polynomial, and x^(64q) = x^(4q) + x^(3q) + x^q + 1 modulo the CRC's for
    every power of two q. So a block is halved again and again by a few shifts, some 15 times faster than a table.
    """
    value, width = int.from_bytes(data, 'little') ^ state, 8 * len(data) + 64
    while width > 64:
        q = 1 << (width - 1).bit_length() - 7
        high = width - 64 * q
        factor, rest = value & (1 << high) - 1, value >> high
        width = max(64 * q, high + 4 * q)
        value = rest << width - 64 * q
        for power in (0, q, 3 * q, 4 * q):
            value ^= factor << width - high - power
    return value


def clean(name):
    """A tar name as a path below diff/: no leading or trailing slash, `..` confined."""
    return os.path.normpath(b'/' + name).lstrip(b'/')


def number(field):
    """Octal or base-256 number of a tar header."""
    if field[0] & 0x80:
        return int.from_bytes(field, 'big') & (1 << 8 * len(field) - 1) - 1
    return int(field.strip(b' \0').split(b'\0')[0] or b'0', 8)


def pax_records(data):
    records = {}
    while data.strip(b'\0'):
        length, _, _ = data.partition(b' ')
        key, _, value = data[len(length) + 1:int(length) - 1].partition(b'=')
        records[key], data = value, data[int(length):]
    return records


class Member(NamedTuple):
    name: bytes
    size: int
    kind: str  # tar's type flag
    mode: int
    owner: tuple
    link: bytes
    device: int
    capability: bytes


def parse_member(name, size, raw, offset):
    """Member whose headers lie in `raw`, the bytes in front of its data, which begin at `offset` of the tar."""
    at, pax, link = -offset % 512, {}, None
    while True:
        head = raw[at:at + 512]
        if len(head) < 512:
            raise ValueError('no tar header in front of it')
        kind, length = head[156:157], number(head[124:136])
        data = raw[at + 512:at + 512 + length]
        if kind == b'x':
            pax = pax_records(data)
        elif kind == b'K':
            link = data.split(b'\0')[0]
        elif kind != b'L':
            break
        at += 512 + length + -length % 512
    if kind in b'\0':
        kind = b'5' if name.endswith(b'/') else b'0'
    owner = int(pax.get(b'uid', number(head[108:116]))), int(pax.get(b'gid', number(head[116:124])))
    link = link or pax.get(b'linkpath') or head[157:257].split(b'\0')[0]
    device = os.makedev(number(head[329:337]), number(head[337:345])) if kind in b'34' else 0
    kind = kind.decode('latin-1').replace('7', '0')
    return Member(name, size, kind, number(head[100:108]) & 0o7777, owner, link, device,
                  pax.get(b'SCHILY.xattr.security.capability', b''))


def split_entries(path):
    """Entries of a tar-split [4.1]: (name or None for a segment, size, payload, position)."""
    with quiet_open(path) as file, gzip.GzipFile(fileobj=file) as lines:
        if not os.fstat(file.fileno()).st_size:
            raise EOFError('empty')
        for line in lines:
            entry = json.loads(line)
            payload = base64.b64decode(entry.get('payload') or '', validate=True)
            if entry['type'] not in (1, 2):
                raise ValueError(f'entry of type {entry["type"]}')
            raw = base64.b64decode(entry.get('name_raw') or '', validate=True)
            name = (raw or entry.get('name', '').encode('utf-8', 'surrogatepass')) if entry['type'] == 1 else None
            yield name, entry.get('size', 0), payload, entry.get('position')


def xattr(path, name):
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError:
        return b''


def is_whiteout(status):
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


class Job(NamedTuple):
    about: str
    layer: Layer
    split: str
    diff_dir: str
    root_owned: bool  # owners on disk are those of the tar (no user namespace)
    fast: bool
    rebuild: bool


class LayerCheck:
    """Checks one layer, in a process of its own: rebuilds its tar from tar-split and diff/, then compares the trees."""

    def __init__(self, job):
        self.job, self.diff, self.findings = job, os.fsencode(job.diff_dir), []
        self.digest, self.offset, self.members = hashlib.sha256(), 0, []
        self.real = {b'': b''}  # directory as named in the tar -> where it lies, symlinks followed inside diff/
        self.expected, self.whiteouts, self.opaque, self.reported = set(), set(), set(), set()
        self.linked = collections.defaultdict(set)  # inode -> what its hard link members say of mode and owner

    def add(self, severity, path, what):
        path = os.fsdecode(join(self.diff, path) if isinstance(path, bytes) else path)
        self.findings.append((severity, path, what, self.job.about))

    def run(self):
        """Findings, bytes of the rebuilt tar, and the header forms that reproduce the DiffID."""
        forms = []
        try:
            known = self.replay()
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as problem:
            self.add('error', self.job.split, f'does not decode, the image cannot be saved: {problem}')
            known = False
        if known:
            self.compare_trees()
        if self.job.rebuild:
            forms = [form for form, digest in rebuild(self.diff).items() if digest == self.job.layer.diff]
            if not forms:
                self.add('note', b'', 'a tar made from it does not have the DiffID')
        return self.findings, 0 if self.job.fast else self.offset, forms

    def put(self, data):
        self.digest.update(data)
        self.offset += len(data)

    def replay(self):
        """Notes the members and hashes the tar that dockerd would rebuild [4.3]; False if it is another tar."""
        raw, start, names, ordered = b'', 0, set(), True
        for count, (name, size, payload, position) in enumerate(split_entries(self.job.split)):
            ordered = ordered and position == count
            if name is None:
                raw, start = (raw + payload, start) if raw else (payload, self.offset)
                self.put(payload)
                continue
            if (cleaned := os.path.normpath(name)) in names:
                self.add('error', self.job.split, f'holds {printable(name)} twice, the image cannot be saved')
            names.add(cleaned)
            member = parse_member(name, size, raw, start)
            self.members.append(member)
            raw = b''
            if size:
                self.copy(member, cleaned, payload)
        if not ordered:
            self.add('note', self.job.split, 'positions are not 0, 1, 2, ...')
        if self.job.fast or self.reported or f'sha256:{self.digest.hexdigest()}' == self.job.layer.diff:
            return True
        self.add('error', self.job.split, 'the rebuilt tar does not hash to the DiffID, the image cannot be saved')
        return False

    def copy(self, member, cleaned, payload):
        """Content of one file: must be there, of the right size and with the right CRC."""
        path, start, crc = self.locate(member.name), self.offset, ALL_ONES
        try:
            if cleaned.split(b'/')[0] == b'..' or not stat.S_ISREG(os.lstat(join(self.diff, path)).st_mode):
                raise OSError(0, 'not a file inside diff/')
            with quiet_open(join(self.diff, path)) as file:
                size = os.fstat(file.fileno()).st_size
                while not self.job.fast and (block := file.read(BLOCK)):
                    self.digest.update(block)
                    crc = crc64(block, crc)
        except OSError as problem:
            self.spoilt(path, problem.strerror)
        else:
            if size != member.size:
                self.spoilt(path, f'is {size} bytes, was {member.size}')
            elif not self.job.fast and payload != (crc ^ ALL_ONES).to_bytes(8, 'big'):
                self.spoilt(path, 'content changed: its CRC is not that of the tar-split')
        self.offset = start + (member.size if member.kind == '0' else 0)

    def spoilt(self, path, what):
        self.reported.add(path)
        self.add('error', path, f'{what}; the image cannot be saved')

    # -- names

    def locate(self, name):
        """Path below diff/ of a name in the tar."""
        folder, _, base = clean(name).rpartition(b'/')
        return join(self.real_dir(folder), base)

    def real_dir(self, folder, depth=0):
        """Where a directory lies, symlinks on the way followed as in a chroot; ENOENT-proof, gives up on loops."""
        if folder not in self.real:
            parent, _, base = folder.rpartition(b'/')
            here = join(self.real_dir(parent, depth), base)
            try:
                target = os.readlink(join(self.diff, here))
                base = b'' if target.startswith(b'/') else here.rpartition(b'/')[0]
                here = self.real_dir(clean(base + b'/' + target), depth + 1) if depth < 40 else here
            except OSError:
                pass  # a real directory, or nothing
            self.real[folder] = here
        return self.real[folder]

    # -- the tree

    def compare_trees(self):
        """Every member is in diff/ as its header says, and nothing else is."""
        named = {clean(m.name) for m in self.members}
        for member in self.members:
            if member.kind == '1' and os.path.lexists(path := join(self.diff, self.locate(member.name))):
                self.linked[os.lstat(path).st_ino].add((member.mode, member.owner))
        for member in self.members:
            name = clean(member.name)
            folder, base = os.path.split(self.locate(member.name))
            if member.kind == 'g' or not name:
                continue
            if base == OPAQUE:
                self.opaque.add(folder)
                if xattr(join(self.diff, folder), 'trusted.overlay.opaque') != b'y':
                    self.add('error', folder, 'not opaque, the tar says that it is: files of lower layers show')
            elif base.startswith(b'.wh.'):
                self.check_whiteout(join(folder, base[4:]), named)
            else:
                self.compare(member, join(folder, base))
        self.walk()

    def check_whiteout(self, path, named):
        self.whiteouts.add(path)
        try:
            fine = path in named or is_whiteout(os.lstat(join(self.diff, path)))
        except OSError:
            fine = False
        if not fine:
            self.add('error', path, 'no whiteout, the tar says that there is one: a file of a lower layer shows')

    def compare(self, member, path):
        self.expected.add(path)
        try:
            status = os.lstat(join(self.diff, path))
        except OSError:
            if path not in self.reported:
                kind = KIND_NAMES.get(KINDS.get(member.kind), 'hard link')
                self.add('error', path, f'missing, the tar has it as a {kind}')
            return
        differences = ', '.join(self.differences(member, path, status))
        if differences and path not in self.reported:
            self.add('error', path, differences)

    def differences(self, member, path, status):
        """What lstat(2) says against what the tar's header says."""
        if member.kind == '1':
            try:
                if not os.path.samestat(os.lstat(join(self.diff, self.locate(member.link))), status):
                    raise OSError
            except OSError:
                yield f'no hard link to {printable(member.link)}'
            return
        kind = stat.S_IFMT(status.st_mode)
        if kind != KINDS.get(member.kind, kind):
            yield f'is a {KIND_NAMES[kind]}, the tar has a {KIND_NAMES[KINDS[member.kind]]}'
            return
        if member.kind == '0' and status.st_size != member.size:
            yield f'is {status.st_size} bytes, was {member.size}'
        if member.kind == '2' and os.readlink(join(self.diff, path)) != member.link:
            yield f'symlink leads elsewhere than to {printable(member.link)}'
        if member.kind in '34' and status.st_rdev != member.device:
            yield 'another device'
        if flat_capability(xattr(join(self.diff, path), 'security.capability')) != flat_capability(member.capability):
            yield 'other file capabilities'
        if self.linked.get(status.st_ino, set()) - {(member.mode, member.owner)}:
            return  # owner and mode are those of the last link
        if member.kind != '2' and (mode := stat.S_IMODE(status.st_mode)) != member.mode:
            yield f'mode is {mode:04o}, was {member.mode:04o}'
        if self.job.root_owned and (status.st_uid, status.st_gid) != member.owner:
            yield f'owner is {status.st_uid}:{status.st_gid}, was {member.owner[0]}:{member.owner[1]}'

    def walk(self):
        """What is in diff/ beside the members; `size` [2.3]; whiteouts where there is nothing to hide."""
        folders, inodes, total = [b''], set(), 0
        known = self.expected | set(self.real.values())
        bottom, shown = self.job.layer.parent == '', 0
        while folders:
            folder = folders.pop()
            for entry in os.scandir(join(self.diff, folder)):
                path, status = join(folder, entry.name), entry.stat(follow_symlinks=False)
                self.check_xattrs(path)
                if stat.S_ISDIR(status.st_mode):
                    folders.append(path)
                elif status.st_ino not in inodes:
                    inodes.add(status.st_ino)
                    total += status.st_size
                if is_whiteout(status):
                    shown += 1
                    if path not in self.whiteouts and path not in known:
                        self.add('error', path, 'whiteout that the tar does not have: a file below is hidden')
                elif path not in known and not stat.S_ISSOCK(status.st_mode):
                    self.add('error', path, f'{KIND_NAMES[stat.S_IFMT(status.st_mode)]} that the tar does not have')
        if bottom and shown + len(self.opaque):
            self.add('note', b'', f'bottom layer with {shown} whiteouts and {len(self.opaque)} opaque directories')
        sizes = total, sum(member.size for member in self.members)
        if self.job.layer.size and int(self.job.layer.size) not in sizes and not self.reported:
            self.add('error', join(self.job.layer.path, 'size'),
                     f'says {self.job.layer.size}, the files have {total} bytes')

    def check_xattrs(self, path):
        for name in os.listxattr(join(self.diff, path), follow_symlinks=False):
            if name in ('trusted.overlay.redirect', 'trusted.overlay.metacopy'):
                self.add('error', path, f'has {name}: part of it lies in a lower layer, where dockerd does not look')
            opaque = name == 'trusted.overlay.opaque' and xattr(join(self.diff, path), name) == b'y'
            if opaque and path not in self.opaque:
                self.add('error', path, 'opaque, the tar says nothing of it: files of lower layers are hidden')


def flat_capability(value):
    """security.capability as a tar carries it: version 3 cut to version 2 [7.2]."""
    return value[:3] + b'\2' + value[4:20] if value[3:4] == b'\3' else value


def run_job(job):
    sys.setrecursionlimit(10000)  # paths of up to 2048 directories
    return LayerCheck(job).run()


def check_contents(store, fast, rebuild):
    """All layers that are whole enough, the largest first, on all processors."""
    jobs, root_owned = [], os.stat(store.path('overlay2')).st_uid == 0
    for chain, layer in store.layers.items():
        split = join(layer.path, 'tar-split.json.gz')
        if layer.diff and layer.cache_id and os.path.exists(split):
            diff_dir = store.path('overlay2', layer.cache_id, 'diff')
            if os.path.isdir(diff_dir):
                jobs.append(Job(store.about(chain), layer, split, diff_dir, root_owned, fast, rebuild))
    jobs.sort(key=lambda job: -int(job.layer.size or 0))
    with concurrent.futures.ProcessPoolExecutor() as pool:
        for findings, size, forms in pool.map(run_job, jobs):
            store.bytes_verified += size
            store.rebuilt.update(forms)
            for finding in findings:
                store.add(*finding)


# ---- the layer tar made anew from diff/ [7] --------------------------------------------------------------------------

# name: are the host's user names and type bits written? have whiteouts a link name?
FORMS = {'20.10': (True, True), '28': (False, True), 'Strata': (False, False)}


def is_ascii(text):
    return all(0 < c < 0x80 for c in text)


def to_ascii(text):
    return bytes(c for c in text if 0 < c < 0x80)


def octal(value, width):
    return (b'%o' % (value if 0 <= value < 8 ** (width - 1) else 0)).rjust(width - 1, b'0') + b'\0'


def string(text, width):
    """A header's string; a cut one that would end in slashes loses them."""
    field = text[:width].ljust(width, b'\0')
    return field[:-1].rstrip(b'/').ljust(width, b'\0') if len(text) > width and field.endswith(b'/') else field


def header_block(name, mode, uid, gid, size, mtime, kind, link=b'', uname=b'', gname=b'', device=None, prefix=b''):
    devices = b''.join(octal(f(device), 8) for f in (os.major, os.minor)) if device is not None else bytes(16)
    start = string(name, 100) + octal(mode, 8) + octal(uid, 8) + octal(gid, 8) + octal(size, 12) + octal(mtime, 12)
    end = kind + string(link, 100) + b'ustar\x0000' + string(uname, 32) + string(gname, 32)
    end += devices + string(prefix, 155)
    checksum = sum(start) + sum(end) + 8 * ord(' ')
    return (start + octal(checksum, 7) + b' ' + end).ljust(512, b'\0')


def ustar_split(name):
    """(prefix, name) of a long ASCII name, or None if it does not split."""
    part = name[:156] if len(name) > 156 else name.removesuffix(b'/')
    cut = part.rfind(b'/')
    rest = name[cut + 1:]
    return (name[:cut], rest) if is_ascii(name) and 0 < cut <= 155 and 1 <= len(rest) <= 100 else None


def pax_record(key, value):
    size = len(key) + len(value) + 3
    total = size + len(str(size))
    return b'%d %s=%s\n' % (size + len(str(total)), key, value)


def headers(name, mode, uid, gid, size, mtime, kind, link, uname, gname, device, capability):
    """Header blocks as Go's archive/tar writes them in PAX format [7.3]."""
    pax, split = {}, ustar_split(name) if len(name) > 100 else None
    if link and (len(link) > 100 or not is_ascii(link)):
        pax[b'linkpath'] = link
    pax |= {key: text for key, text in ((b'uname', uname), (b'gname', gname)) if len(text) > 32 or not is_ascii(text)}
    for key, value, width in (b'uid', uid, 8), (b'gid', gid, 8), (b'size', size, 12), (b'mtime', mtime, 12):
        if not 0 <= value < 8 ** (width - 1):
            pax[key] = b'%d' % value
    if capability:
        pax[b'SCHILY.xattr.security.capability'] = capability
    if (len(name) > 100 or not is_ascii(name)) and (pax or not split):
        pax[b'path'] = name
    if not pax:
        prefix, name = split or (b'', name)
        return header_block(name, mode, uid, gid, size, mtime, kind, link, uname, gname, device, prefix)
    data = b''.join(pax_record(key, pax[key]) for key in sorted(pax))
    folder, slash, base = name.rpartition(b'/')
    extra = to_ascii(os.path.normpath(folder + slash + b'PaxHeaders.0/' + base))[:100].rstrip(b'/')
    return (header_block(extra, 0, 0, 0, len(data), 0, b'x') + data + bytes(-len(data) % 512)
            + header_block(to_ascii(name), mode, uid, gid, size, mtime, kind,
                           *map(to_ascii, [link, uname, gname]), device))


def host_name(lookup, number):
    try:
        return os.fsencode(lookup(number)[0])
    except (KeyError, OverflowError):
        return b''


def rebuild(diff):
    """DiffIDs of the tars that dockerd (two forms) and Strata would make of a diff/ directory [7.1]."""
    digests, first = {form: hashlib.sha256() for form in FORMS}, {}

    def member(path):
        full = join(diff, path)
        status = os.lstat(full)
        kind = next((flag for flag, bits in KINDS.items() if bits == stat.S_IFMT(status.st_mode)), None)
        if kind is None:
            return  # a socket
        name, link = path + (b'/' if kind == '5' else b''), os.readlink(full) if kind == '2' else b''
        size, mode, device = status.st_size if kind == '0' else 0, status.st_mode, status.st_rdev if kind in '34' else 0
        if kind != '5' and status.st_nlink > 1 and (path != first.setdefault(status.st_ino, path)):
            kind, link, size = '1', first[status.st_ino], 0
        if whiteout := is_whiteout(status):
            folder, base = os.path.split(path)
            kind, name, mode = '0', join(folder, b'.wh.' + base), 0o600
        capability, mtime = flat_capability(xattr(full, 'security.capability')), status.st_mtime_ns // 10**9
        names = host_name(pwd.getpwuid, status.st_uid), host_name(grp.getgrgid, status.st_gid)
        opaque = kind == '5' and xattr(full, 'trusted.overlay.opaque') == b'y'
        for form, (old, links) in FORMS.items():
            put, ids = digests[form].update, (status.st_uid, status.st_gid)
            named = names if old else (b'', b'')
            put(headers(name, mode if old else mode & 0o7777, *ids, size, mtime, kind.encode(),
                        link if links or not whiteout else b'', *named, device, capability))
            if opaque:
                put(headers(name + OPAQUE, mode & 0o777, *ids, 0, 0, b'0', b'', *named, 0, b''))
        if kind == '0' and size:
            content(full, size)

    def content(path, size):
        with quiet_open(path) as file:
            while block := file.read(BLOCK):
                for digest in digests.values():
                    digest.update(block)
        for digest in digests.values():
            digest.update(bytes(-size % 512))

    def walk(folder):
        for name in sorted(os.listdir(join(diff, folder))):
            path = join(folder, name)
            member(path)
            if stat.S_ISDIR(os.lstat(join(diff, path)).st_mode):
                walk(path)
    walk(b'')
    for digest in digests.values():
        digest.update(bytes(1024))
    return {form: f'sha256:{digest.hexdigest()}' for form, digest in digests.items()}


# ---- the command -----------------------------------------------------------------------------------------------------

STEPS = (load_buildkit, load_images, load_tags, name_layers, load_layers, load_mounts, load_caches, check_images,
         check_layers, check_caches, check_containers, check_distribution, check_frame, check_reachability)


def check(root, fast=False, rebuild_from_diff=False):
    """A Store with all findings about ROOT."""
    store = Store(root)
    for step in STEPS:
        try:
            step(store)
        except OSError as problem:  # whatever stands in the place of a file or a directory
            store.add('error', problem.filename or root, f'cannot be read: {problem.strerror}')
    check_contents(store, fast, rebuild_from_diff)
    return store


def summary(store):
    counts = {'images': len(store.images), 'layers': len(store.layers), 'caches': len(store.caches),
              'containers': store.containers, 'tags': len(store.tags), 'bytes_verified': store.bytes_verified}
    for severity in 'error', 'warning', 'note':
        counts[severity + 's'] = sum(finding.severity == severity for finding in store.findings)
    return counts


def main():
    parser = argparse.ArgumentParser(description='Check a dockerd overlay2 data-root; read-only, needs root. '
                                     'Exit status: 0 clean, 1 findings, 2 not a data-root.')
    parser.add_argument('root', metavar='ROOT')
    parser.add_argument('--json', action='store_true', help='one JSON object instead of lines')
    parser.add_argument('--fast', action='store_true', help='do not read file contents: no CRC, no DiffID')
    parser.add_argument('--rebuild-from-diff', action='store_true',
                        help='note layers whose DiffID a tar of diff/ does not give')
    parser.add_argument('--expect-clean', action='store_true', help='exit 1 for notes too')
    options = parser.parse_args()
    if not all(os.path.isdir(join(options.root, name)) for name in ('image/overlay2', 'overlay2')):
        print(f'store_check: {options.root} is no data-root: image/overlay2 or overlay2 is not there', file=sys.stderr)
        return 2
    store = check(options.root, options.fast, options.rebuild_from_diff)
    counts = summary(store)
    if options.json:
        print(json.dumps({'root': options.root, 'summary': counts, 'rebuilt': store.rebuilt,
                          'findings': [finding._asdict() for finding in store.findings]}, indent=1))
    else:
        for finding in store.findings:
            print(finding.severity, f'{finding.path}: {finding.what}')
        print('store_check: ' + ', '.join(f'{count} {name.replace("_", " ")}' for name, count in counts.items()))
        if options.rebuild_from_diff:
            print('rebuilt from diff: ' + ', '.join(f'{store.rebuilt[form]} as {form}' for form in FORMS))
    return 1 if counts['errors'] or counts['warnings'] or (options.expect_clean and counts['notes']) else 0


if __name__ == '__main__':
    sys.exit(main())
