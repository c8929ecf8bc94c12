#include "registry/detail/blob_transfer.h"

#include <algorithm>

#include "registry/detail/answer.h"
#include "registry/detail/headers.h"

namespace strata::registry::detail {

Result<void> BlobTransfer::run(Server& server, Call call) {
  call.repeats = false;
  call.sink = [this](const http::Answer& answer, std::string_view bytes) {
    return take(answer, bytes);
  };
  std::string retry_after;
  for (int failures = 0; reached_ < blob_.size;) {
    auto before = reached_;
    begun_ = false;
    if (reached_ > 0) call.headers = {{"Range", fmt::format("bytes={}-", reached_)}};
    auto outcome = server.try_send(call);
    retry_after.clear();
    auto error = error_of(outcome, retry_after);
    if (!error) return {};
    if (reached_ > before) failures = 0;
    bool passing = error->code() == ErrorCode::Unavailable && !refused_by_sink_;
    if (!passing || ++failures == kMostTries) return *std::move(error);
    TRY(server.pause(failures, retry_after));
  }
  return {};
}

std::optional<Error> BlobTransfer::error_of(Result<Server::Outcome>& outcome,
                                            std::string& retry_after) const {
  if (!outcome) return std::move(outcome).error();
  const auto& answer = outcome->answer;
  if (answer.code >= 300) {
    retry_after = answer.header("retry-after");
    return refused(answer, outcome->body);
  }
  if (reached_ == blob_.size) return std::nullopt;
  // An answer that says where it ends, and ends there, will be no longer the next time.
  if (answer.length || !answer.header("transfer-encoding").empty())
    return Error(ErrorCode::Corrupt,
                 fmt::format("blob {} has {} bytes, and not the {} of its manifest",
                             blob_.digest.str(), reached_, blob_.size));
  return Error(ErrorCode::Unavailable, "unexpected EOF");
}

Result<void> BlobTransfer::take(const http::Answer& answer, std::string_view bytes) {
  if (!begun_) {
    begun_ = true;
    at_ = 0;
    if (answer.code == 206) {
      at_ = range_start(answer.header("content-range")).value_or(-1);
      if (at_ < 0 || at_ > reached_)
        return Error(ErrorCode::Corrupt,
                     fmt::format("blob {}: another range than asked for", blob_.digest.str()));
    }
  }
  if (at_ + static_cast<std::int64_t>(bytes.size()) > blob_.size)
    return Error(ErrorCode::Corrupt,
                 fmt::format("blob {} is larger than the {} bytes of its manifest",
                             blob_.digest.str(), blob_.size));
  auto known = std::min(reached_ - at_, static_cast<std::int64_t>(bytes.size()));
  at_ += static_cast<std::int64_t>(bytes.size());
  bytes.remove_prefix(static_cast<std::size_t>(std::max<std::int64_t>(known, 0)));
  if (bytes.empty()) return {};
  auto taken = sink_(reached_, bytes);
  refused_by_sink_ = !taken;
  reached_ = at_;
  return taken;
}

}  // namespace strata::registry::detail
