#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/byte_stream.h"

namespace strata {

/// Whether docker takes an operand for a URL: "http://" or "https://" in front.
bool is_remote(std::string_view text);

/// The body of an http(s) URL, read while it comes: a thread fetches, a pipe stands between. An
/// error of the transfer (http::get) comes from read() in place of the end. Dropping it ends the
/// transfer. `begun` is called once, on that thread, when the server has agreed to give it.
std::unique_ptr<ByteSource> open_url(std::string url, std::function<void(bool knows_length)> begun,
                                     const std::stop_token& stop);

}  // namespace strata
