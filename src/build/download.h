#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "build/loose_file.h"
#include "progress/event.h"
#include "store/store.h"

namespace strata::build {

/// Called at most ten times a second, and as often as docker at the end.
using DownloadEvent = std::function<void(const progress::Download&)>;

/// What a download is told apart by.
struct RemoteRequest {
  std::string url;
  bool into_directory = false;  // the destination is written with a slash at the end
};

/// Fetches the source of an ADD: mode 0600, owned by root, with the time that the server gives or
/// 1970, named after the path of the URL or the server's Content-Disposition. Prints the empty line
/// that docker prints after a download. Errors as http::get() has them, or `cannot determine
/// filename for source <url>`.
Result<std::unique_ptr<LooseFile>> fetch_file(const Store& store, const RemoteRequest& request,
                                              progress::StepReport& output,
                                              const DownloadEvent& event,
                                              const std::stop_token& stop);

/// A file without a name, to be read from its start.
struct FetchedStream {
  UniqueFd fd;
  std::int64_t bytes = 0;
};

/// Fetches what a build context at a URL is made from.
Result<FetchedStream> fetch_context(const Store& store, const std::string& url,
                                    const DownloadEvent& event, const std::stop_token& stop);

/// The name in `url` ("a b" in "http://h/x/a%20b?q"), else that in a Content-Disposition header;
/// "" if neither has one. Never with a slash, "." or "..".
std::string download_name(std::string_view url, std::string_view content_disposition);

}  // namespace strata::build
