#pragma once

#include <cstddef>
#include <iterator>
#include <vector>

#include "build/source_file.h"

namespace strata::build {

/// Files of a walk as the threads of the walk left them: in stretches that follow each other.
/// Moving them into one array would take a tenth of the time of a cached build.
using Stretches = std::vector<std::vector<SourceFile>>;  // none is empty

/// A part of such a walk, to be iterated in its order. Valid as long as the stretches.
class Listing {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = SourceFile;
    using difference_type = std::ptrdiff_t;
    using pointer = const SourceFile*;
    using reference = const SourceFile&;

    Iterator() = default;
    /// `file` is below the size of its stretch; the end is {number of stretches, 0}.
    Iterator(const Stretches* stretches, std::size_t stretch, std::size_t file)
        : stretches_(stretches), stretch_(stretch), file_(file) {}

    reference operator*() const { return (*stretches_)[stretch_][file_]; }
    pointer operator->() const { return &**this; }
    Iterator& operator++() {
      if (++file_ == (*stretches_)[stretch_].size()) {
        ++stretch_;
        file_ = 0;
      }
      return *this;
    }
    Iterator operator++(int) {
      auto before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const = default;

   private:
    const Stretches* stretches_ = nullptr;
    std::size_t stretch_ = 0;
    std::size_t file_ = 0;
  };

  /// All of them.
  explicit Listing(const Stretches& stretches)
      : begin_(&stretches, 0, 0), end_(&stretches, stretches.size(), 0) {}
  Listing(Iterator begin, Iterator end) : begin_(begin), end_(end) {}

  Iterator begin() const { return begin_; }
  Iterator end() const { return end_; }
  bool empty() const { return begin_ == end_; }

 private:
  Iterator begin_;
  Iterator end_;
};

}  // namespace strata::build
