#pragma once

#include <signal.h>

#include <initializer_list>

#include "base/fd.h"

namespace strata {

/// Signals to this process, as a descriptor to be polled. INT, TERM, HUP, QUIT, USR1 and USR2,
/// which go to a container, and `more` do not end this process while this object lives, if it is
/// made before other threads are. What has come and was not taken is forgotten with it.
class SignalSource {
 public:
  explicit SignalSource(std::initializer_list<int> more = {});
  SignalSource(const SignalSource&) = delete;
  SignalSource& operator=(const SignalSource&) = delete;
  ~SignalSource();

  /// Borrowed; readable when there is a signal.
  int fd() const { return fd_.get(); }
  /// The next signal, without waiting; 0 if there is none. Any thread.
  int next() const;

 private:
  sigset_t before_ = {};
  UniqueFd fd_;
};

}  // namespace strata
