#pragma once

#include <cstdint>
#include <stop_token>

#include "base/byte_stream.h"

namespace strata::build {

/// What a name ".wh.x" in an archive means.
enum class Marks : std::uint8_t {
  Names,   // it is a name like any other
  Refuse,  // an error: a layer cannot hold such a file
  Delete,  // x goes away; ".wh..wh..opq" takes everything out of its directory
};

/// Unpacks `tar` into the directory fd `root`, as dockerd unpacks the tar of a context or an
/// archive of ADD (moby, pkg/archive.Unpack in a chroot): entries come in any order, the later one
/// of a name wins, whatever it replaces; missing directories are made, 0755; ".." stops at the
/// root, links on the way are followed inside of it. Owners, modes, attributes and times are those
/// of the entries. A directory that only changed because something was put into it keeps its time;
/// one that was made on the way gets the newest time of what is in it.
///
/// Errors of an entry are docker's: "link /nope /x: no such file or directory"; else those of the
/// archive's format ("unexpected EOF"). What was unpacked by then stays.
Result<void> unpack(int root, ByteSource& tar, Marks marks, const std::stop_token& stop);

}  // namespace strata::build
