#include "build/epoch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>

#include "fs/walk.h"

namespace strata::build {

Result<std::optional<Time>> parse_epoch(std::string_view text) {
  constexpr std::int64_t kLast = 253402300799;  // of the year 9999: what an image config can say
  Time time;
  if (text.empty()) return std::optional<Time>();
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time.seconds);
  if (error != std::errc() || end != text.data() + text.size() || time.seconds < 0 ||
      time.seconds > kLast)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("SOURCE_DATE_EPOCH \"{}\": not a number of seconds since 1970", text));
  return std::optional(time);
}

Result<void> clamp_times(int root, const Time& epoch) {
  const timespec times[2] = {{epoch.seconds, 0}, {epoch.seconds, 0}};
  return walk_tree(root, [&](const WalkEntry& entry) -> Result<WalkStep> {
    const auto& mtime = entry.st.st_mtim;
    if (Time{mtime.tv_sec, static_cast<std::int32_t>(mtime.tv_nsec)} > epoch &&
        ::utimensat(entry.dir, entry.name.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0)
      return Error::from_errno(errno, "set time of " + entry.path);
    return WalkStep::Enter;
  });
}

}  // namespace strata::build
