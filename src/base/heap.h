#pragma once

namespace strata {

/// Memory that was freed is used again, not given back: buffers of some hundred kilobytes would
/// otherwise be mapped anew, and fault in page by page, each time they are made. For a process that
/// lives as long as one command; once, at its start.
void keep_freed_memory();

/// For a command that needs some MiB of memory: the first 32 MiB of the heap, for all threads
/// alike, come in huge pages of 2 MiB as they are used. Otherwise each 4 KiB cost a page fault: a
/// quarter of a microsecond on a plain machine, 20 in some virtual ones (decision 20). Once, before
/// there is a second thread; nothing happens where the kernel has no huge pages.
void use_large_heap();

}  // namespace strata
