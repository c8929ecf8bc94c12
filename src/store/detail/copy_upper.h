#pragma once

#include "store/detail/layer_recorder.h"
#include "store/detail/tree_writer.h"

namespace strata::detail {

/// Copies all that lies below the directory fd `upper`, an overlay upper directory: into `tree`,
/// with owners, modes, mtimes, xattrs, hard links, holes, whiteouts and opaque marks (of overlayfs'
/// other marks nothing, and no sockets), and into `recorder` as the tar that record_upper() would
/// make of the copy, but for its end. Each file is read once, a large one from the copy where that
/// shares its blocks: so what is digested is what is laid down, whoever writes to the files
/// meanwhile. Names that vanish are passed over; a file that grows or shrinks has the size that it
/// had.
Result<void> copy_upper(int upper, TreeWriter& tree, LayerRecorder& recorder);

}  // namespace strata::detail
