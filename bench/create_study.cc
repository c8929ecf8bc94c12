// What creating a file costs, in the ways in which a layer could be laid down. For decision 0015.
//
//   create_study --dir D [--files 20000] [--size 8000] [--per-dir 13] [--runs 3] [--only NAME]...
//
// Makes the same tree of files below a new directory of D once for each way, the ways in turns,
// then syncs the file system and removes the tree. Prints, for each way, the least wall time of all
// runs per file: of the directories, of the files, of the sync. D should be a file system of its
// own that nobody else writes to, with a journal; run it by `chrt -f 50` on a machine that is in
// use.

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Options {
  std::string dir;
  int files = 20000;
  std::size_t size = 8000;
  int per_dir = 13;
  int runs = 3;
  std::vector<std::string> only;
};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int check(int result, const char* what) {
  if (result < 0) die(what);
  return result;
}

constexpr timespec kThen = {1'700'000'000, 0};
constexpr timespec kTimes[2] = {kThen, kThen};
constexpr uid_t kOther = 1000;

/// What all ways share.
struct Study {
  Options options;
  std::string content;
  int source = -1;  // a file of that content
};

int create(int dir, const char* name, mode_t mode = 0644) {
  return check(::openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), "create");
}

void write_content(const Study& study, int fd) {
  if (::write(fd, study.content.data(), study.content.size()) < 0) die("write");
}

using MakeFile = std::function<void(const Study&, int dir, const char* name)>;

void plain(const Study& study, int dir, const char* name) {
  int fd = create(dir, name);
  write_content(study, fd);
  ::close(fd);
}

void dated(const Study& study, int dir, const char* name) {
  int fd = create(dir, name);
  write_content(study, fd);
  check(::futimens(fd, kTimes), "futimens");
  ::close(fd);
}

void dated_by_name(const Study& study, int dir, const char* name) {
  plain(study, dir, name);
  check(::utimensat(dir, name, kTimes, AT_SYMLINK_NOFOLLOW), "utimensat");
}

/// As tar and cp do it: nothing is known of what the file has already.
void all_set(const Study& study, int dir, const char* name) {
  int fd = create(dir, name, 0600);
  write_content(study, fd);
  check(::fchown(fd, 0, 0), "fchown");
  check(::fchmod(fd, 0644), "fchmod");
  check(::futimens(fd, kTimes), "futimens");
  ::close(fd);
}

void other_owner(const Study& study, int dir, const char* name) {
  int fd = create(dir, name);
  write_content(study, fd);
  check(::fchown(fd, kOther, kOther), "fchown");
  check(::futimens(fd, kTimes), "futimens");
  ::close(fd);
}

/// The owner is right from the start. The directory must let it write: with another fsuid the
/// process has no capabilities over files.
void other_owner_by_fsuid(const Study& study, int dir, const char* name) {
  ::setfsgid(kOther);
  ::setfsuid(kOther);
  int fd = create(dir, name);
  ::setfsuid(0);
  ::setfsgid(0);
  write_content(study, fd);
  check(::futimens(fd, kTimes), "futimens");
  ::close(fd);
}

void copied_in_the_kernel(const Study& study, int dir, const char* name) {
  int fd = create(dir, name);
  loff_t from = 0;
  if (::copy_file_range(study.source, &from, fd, nullptr, study.content.size(), 0) < 0)
    die("copy_file_range");
  check(::futimens(fd, kTimes), "futimens");
  ::close(fd);
}

void linked_when_whole(const Study& study, int dir, const char* name) {
  int fd = check(::openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644), "O_TMPFILE");
  write_content(study, fd);
  check(::futimens(fd, kTimes), "futimens");
  check(::linkat(fd, "", dir, name, AT_EMPTY_PATH), "linkat");
  ::close(fd);
}

void with_room_before(const Study& study, int dir, const char* name) {
  int fd = create(dir, name);
  check(::fallocate(fd, 0, 0, static_cast<off_t>(study.content.size())), "fallocate");
  write_content(study, fd);
  check(::futimens(fd, kTimes), "futimens");
  ::close(fd);
}

void written_back_at_once(const Study& study, int dir, const char* name) {
  int fd = create(dir, name);
  write_content(study, fd);
  check(::futimens(fd, kTimes), "futimens");
  check(::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE), "sync_file_range");
  ::close(fd);
}

void empty(const Study&, int dir, const char* name) { ::close(create(dir, name)); }

void hard_link(const Study& study, int dir, const char* name) {
  // A file has at most 65,000 names on ext4.
  check(::linkat(study.source, "", dir, name, AT_EMPTY_PATH), "linkat");
}

/// One ring without a library: create, write and close of a file are one chain of three requests
/// on a slot of the ring's own table of files, and a batch of chains is one system call.
class Ring {
 public:
  Ring() {
    io_uring_params params = {};
    fd_ = static_cast<int>(::syscall(SYS_io_uring_setup, 3 * kBatch, &params));
    if (fd_ < 0) return;
    auto map = [&](std::size_t size, off_t at) {
      void* p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_, at);
      if (p == MAP_FAILED) die("mmap a ring");
      return static_cast<char*>(p);
    };
    char* sq = map(params.sq_off.array + params.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    char* cq =
        map(params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe), IORING_OFF_CQ_RING);
    sqes_ = reinterpret_cast<io_uring_sqe*>(
        map(params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
    sq_tail_ = reinterpret_cast<std::atomic<unsigned>*>(sq + params.sq_off.tail);
    sq_mask_ = *reinterpret_cast<unsigned*>(sq + params.sq_off.ring_mask);
    sq_array_ = reinterpret_cast<unsigned*>(sq + params.sq_off.array);
    cq_head_ = reinterpret_cast<std::atomic<unsigned>*>(cq + params.cq_off.head);
    cq_tail_ = reinterpret_cast<std::atomic<unsigned>*>(cq + params.cq_off.tail);
    cq_mask_ = *reinterpret_cast<unsigned*>(cq + params.cq_off.ring_mask);
    cqes_ = reinterpret_cast<io_uring_cqe*>(cq + params.cq_off.cqes);
    std::vector<int> slots(kBatch, -1);
    if (::syscall(SYS_io_uring_register, fd_, IORING_REGISTER_FILES, slots.data(), kBatch) < 0)
      die("register files");
  }
  ~Ring() {
    if (fd_ >= 0) ::close(fd_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  bool works() const { return fd_ >= 0; }

  /// Names must live until flush().
  void add(const Study& study, int dir, const char* name) {
    auto& open = next(IORING_OP_OPENAT, dir, IOSQE_IO_LINK);
    open.addr = reinterpret_cast<std::uintptr_t>(name);
    open.len = 0644;
    open.open_flags = O_WRONLY | O_CREAT | O_EXCL;
    open.file_index = chains_ + 1;
    auto& write =
        next(IORING_OP_WRITE, static_cast<int>(chains_), IOSQE_FIXED_FILE | IOSQE_IO_LINK);
    write.addr = reinterpret_cast<std::uintptr_t>(study.content.data());
    write.len = static_cast<unsigned>(study.content.size());
    auto& close = next(IORING_OP_CLOSE, 0, 0);
    close.file_index = chains_ + 1;
    if (++chains_ == kBatch) flush();
  }

  void flush() {
    if (chains_ == 0) return;
    const unsigned count = 3 * chains_;
    if (::syscall(SYS_io_uring_enter, fd_, count, count, IORING_ENTER_GETEVENTS, nullptr, 0) < 0)
      die("io_uring_enter");
    auto head = cq_head_->load();
    for (; head != cq_tail_->load(std::memory_order_acquire); head++) {
      const auto& done = cqes_[head & cq_mask_];
      if (done.res < 0) {
        errno = -done.res;
        die("a request of the ring");
      }
    }
    cq_head_->store(head, std::memory_order_release);
    chains_ = 0;
  }

 private:
  static constexpr unsigned kBatch = 32;  // chains

  io_uring_sqe& next(std::uint8_t op, int fd, std::uint8_t flags) {
    auto tail = sq_tail_->load();
    auto index = tail & sq_mask_;
    auto& sqe = sqes_[index];
    std::memset(&sqe, 0, sizeof sqe);
    sqe.opcode = op;
    sqe.fd = fd;
    sqe.flags = flags;
    sq_array_[index] = index;
    sq_tail_->store(tail + 1, std::memory_order_release);
    return sqe;
  }

  int fd_ = -1;
  io_uring_sqe* sqes_ = nullptr;
  std::atomic<unsigned>* sq_tail_ = nullptr;
  unsigned sq_mask_ = 0;
  unsigned* sq_array_ = nullptr;
  std::atomic<unsigned>* cq_head_ = nullptr;
  std::atomic<unsigned>* cq_tail_ = nullptr;
  unsigned cq_mask_ = 0;
  io_uring_cqe* cqes_ = nullptr;
  unsigned chains_ = 0;
};

enum class Split : std::uint8_t { Directories, Files };
enum class Order : std::uint8_t { DirectoryByDirectory, Scattered };
enum class Place : std::uint8_t { Deep, Top };  // Top: the directories are those of the root

struct Way {
  const char* name;
  MakeFile make;
  int threads = 1;
  Split split = Split::Directories;
  Order order = Order::DirectoryByDirectory;
  Place place = Place::Deep;
};

std::vector<Way> all_ways() {
  constexpr auto kByDirectory = Order::DirectoryByDirectory;
  return {
      {"plain", plain},
      {"+ futimens", dated},
      {"+ utimensat by name", dated_by_name},
      {"+ fchown, fchmod, futimens", all_set},
      {"other owner by fchown, futimens", other_owner},
      {"other owner by setfsuid, futimens", other_owner_by_fsuid},
      {"copy_file_range, futimens", copied_in_the_kernel},
      {"O_TMPFILE, futimens, linkat", linked_when_whole},
      {"fallocate, futimens", with_room_before},
      {"futimens, sync_file_range", written_back_at_once},
      {"io_uring, no times", {}},
      {"empty file", empty},
      {"hard link", hard_link},
      {"futimens, scattered", dated, 1, Split::Directories, Order::Scattered},
      {"futimens, directories of the root", dated, 1, Split::Directories, kByDirectory, Place::Top},
      {"futimens, 2 threads by directory", dated, 2},
      {"futimens, 2 threads by file", dated, 2, Split::Files},
      {"futimens, 4 threads by directory", dated, 4},
      {"futimens, 4 threads by file", dated, 4, Split::Files},
  };
}

struct Costs {  // microseconds per file
  double directories = 1e9;
  double files = 1e9;
  double sync = 1e9;
};

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class Run {
 public:
  Run(const Study& study, const Way& way) : study_(study), way_(way) {
    count_ = (study.options.files + study.options.per_dir - 1) / study.options.per_dir;
    for (int i = 0; i < study.options.per_dir; i++) names_.push_back("f" + std::to_string(100 + i));
  }

  void measure(Costs& least) {
    const double per_file = 1e6 / study_.options.files;
    int root = check(::open(study_.options.dir.c_str(), O_RDONLY | O_DIRECTORY), "open --dir");
    check(::syncfs(root), "syncfs");
    Stopwatch directories;
    make_directories(root);
    least.directories = std::min(least.directories, directories.seconds() * per_file);
    Stopwatch files;
    make_files();
    least.files = std::min(least.files, files.seconds() * per_file);
    Stopwatch sync;
    check(::syncfs(root), "syncfs");
    least.sync = std::min(least.sync, sync.seconds() * per_file);
    for (int fd : directories_) ::close(fd);
    for (const auto& path : paths_) std::filesystem::remove_all(path);
    check(::syncfs(root), "syncfs");
    ::close(root);
  }

 private:
  /// Twelve of them in one directory each, as in trees of software.
  void make_directories(int root) {
    constexpr int kSiblings = 12;
    std::string above = study_.options.dir + "/tree";
    if (way_.place == Place::Deep) {
      check(::mkdir(above.c_str(), 0777), "mkdir");
      paths_.push_back(above);
    }
    std::string parent;
    for (int i = 0; i < count_; i++) {
      std::string path = study_.options.dir + "/top" + std::to_string(i);
      if (way_.place == Place::Top) {
        paths_.push_back(path);
      } else {
        if (i % kSiblings == 0) {
          parent = above + "/p" + std::to_string(i);
          check(::mkdir(parent.c_str(), 0777), "mkdir");
        }
        path = parent + "/d" + std::to_string(i % kSiblings);
      }
      check(::mkdir(path.c_str(), 0777), "mkdir");
      directories_.push_back(check(::openat(root, path.c_str(), O_PATH | O_CLOEXEC), "open"));
    }
  }

  void make_files() {
    std::atomic<int> next = 0;
    const int total = count_ * study_.options.per_dir;
    const int step = way_.split == Split::Directories ? study_.options.per_dir : 1;
    auto work = [&] {
      std::optional<Ring> ring;
      if (!way_.make) ring.emplace();
      for (int at = next.fetch_add(step); at < total; at = next.fetch_add(step))
        for (int i = at; i < at + step; i++) make_file(i, ring);
      if (ring) ring->flush();
    };
    std::vector<std::jthread> others;
    for (int i = 1; i < way_.threads; i++) others.emplace_back(work);
    work();
  }

  void make_file(int number, std::optional<Ring>& ring) {
    int directory = number / study_.options.per_dir;
    int name = number % study_.options.per_dir;
    if (way_.order == Order::Scattered) {
      directory = number % count_;
      name = number / count_;
    }
    int fd = directories_[static_cast<std::size_t>(directory)];
    const char* file = names_[static_cast<std::size_t>(name)].c_str();
    if (ring)
      ring->add(study_, fd, file);
    else
      way_.make(study_, fd, file);
  }

  const Study& study_;
  const Way& way_;
  int count_;  // directories
  std::vector<std::string> names_;
  std::vector<int> directories_;
  std::vector<std::string> paths_;  // to be removed
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string flag = argv[i];
    const char* value = argv[i + 1];
    if (flag == "--dir") options.dir = value;
    if (flag == "--files") options.files = std::atoi(value);
    if (flag == "--size") options.size = static_cast<std::size_t>(std::atol(value));
    if (flag == "--per-dir") options.per_dir = std::atoi(value);
    if (flag == "--runs") options.runs = std::atoi(value);
    if (flag == "--only") options.only.emplace_back(value);
  }
  if (options.dir.empty() || options.files <= 0 || options.per_dir <= 0) {
    std::fputs("usage: create_study --dir D [--files N] [--size N] [--per-dir N] [--runs N]\n",
               stderr);
    std::exit(2);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  Study study;
  study.options = parse(argc, argv);
  const auto& options = study.options;
  ::umask(0);
  for (std::size_t i = 0; i < options.size; i++)
    study.content += static_cast<char>('a' + (i * i + i / 7) % 26);
  auto source = options.dir + "/source";
  study.source = check(::open(source.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644), "source");
  write_content(study, study.source);

  auto ways = all_ways();
  if (!Ring().works()) std::erase_if(ways, [](const Way& w) { return !w.make; });
  if (!options.only.empty())
    std::erase_if(ways, [&](const Way& w) {
      return std::find(options.only.begin(), options.only.end(), w.name) == options.only.end();
    });
  std::vector<Costs> costs(ways.size());
  for (int run = 0; run < options.runs; run++)
    for (std::size_t i = 0; i < ways.size(); i++) Run(study, ways[i]).measure(costs[i]);
  std::printf("us per file: directories, files, sync\n");
  for (std::size_t i = 0; i < ways.size(); i++)
    std::printf("%-36s %5.1f %6.1f %6.1f\n", ways[i].name, costs[i].directories, costs[i].files,
                costs[i].sync);
  ::unlink(source.c_str());
  return 0;
}
