#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "registry/client.h"
#include "registry/detail/server.h"

namespace strata::registry::detail {

/// One reading of a blob from where it has got to; see Repository::blob().
class BlobTransfer {
 public:
  BlobTransfer(const Descriptor& blob, std::int64_t from, const Repository::BlobSink& sink)
      : blob_(blob), sink_(sink), reached_(from) {}

  /// `call` asks for the whole blob.
  Result<void> run(Server& server, Call call);

 private:
  std::optional<Error> error_of(Result<Server::Outcome>& outcome, std::string& retry_after) const;
  Result<void> take(const http::Answer& answer, std::string_view bytes);

  const Descriptor& blob_;
  const Repository::BlobSink& sink_;
  std::int64_t reached_;  // all before it has been given away
  std::int64_t at_ = 0;   // of the answer at hand
  bool begun_ = false;
  bool refused_by_sink_ = false;
};

}  // namespace strata::registry::detail
