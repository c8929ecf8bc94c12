#include "runtime/seccomp.h"

#include <linux/capability.h>
#include <sys/socket.h>

#include <cerrno>
#include <span>

namespace strata {
namespace {

// Calls that every container may make, whatever their arguments. Texts, not pointers to some: those
// would be relocated at each start of the program.
// clang-format off
constexpr char kAllowed[][32] = {
    "_llseek", "_newselect", "accept", "accept4", "access", "adjtimex", "alarm", "bind", "brk",
    "cachestat", "capget", "capset", "chdir", "chmod", "chown", "chown32", "clock_adjtime",
    "clock_adjtime64", "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64",
    "clock_nanosleep", "clock_nanosleep_time64", "close", "close_range", "connect",
    "copy_file_range", "creat", "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd",
    "eventfd2", "execve", "execveat", "exit", "exit_group", "faccessat", "faccessat2", "fadvise64",
    "fadvise64_64", "fallocate", "fanotify_mark", "fchdir", "fchmod", "fchmodat", "fchmodat2",
    "fchown", "fchown32", "fchownat", "fcntl", "fcntl64", "fdatasync", "fgetxattr", "flistxattr",
    "flock", "fork", "fremovexattr", "fsetxattr", "fstat", "fstat64", "fstatat64", "fstatfs",
    "fstatfs64", "fsync", "ftruncate", "ftruncate64", "futex", "futex_requeue", "futex_time64",
    "futex_wait", "futex_waitv", "futex_wake", "futimesat", "get_robust_list", "get_thread_area",
    "getcpu", "getcwd", "getdents", "getdents64", "getegid", "getegid32", "geteuid", "geteuid32",
    "getgid", "getgid32", "getgroups", "getgroups32", "getitimer", "getpeername", "getpgid",
    "getpgrp", "getpid", "getppid", "getpriority", "getrandom", "getresgid", "getresgid32",
    "getresuid", "getresuid32", "getrlimit", "getrusage", "getsid", "getsockname", "getsockopt",
    "gettid", "gettimeofday", "getuid", "getuid32", "getxattr", "inotify_add_watch", "inotify_init",
    "inotify_init1", "inotify_rm_watch", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents",
    "io_pgetevents_time64", "io_setup", "io_submit", "ioctl", "ioprio_get", "ioprio_set", "ipc",
    "kill", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "lchown",
    "lchown32", "lgetxattr", "link", "linkat", "listen", "listxattr", "llistxattr", "lremovexattr",
    "lseek", "lsetxattr", "lstat", "lstat64", "madvise", "map_shadow_stack", "membarrier",
    "memfd_create", "memfd_secret", "mincore", "mkdir", "mkdirat", "mknod", "mknodat", "mlock",
    "mlock2", "mlockall", "mmap", "mmap2", "mprotect", "mq_getsetattr", "mq_notify", "mq_open",
    "mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64", "mq_unlink",
    "mremap", "mseal", "msgctl", "msgget", "msgrcv", "msgsnd", "msync", "munlock", "munlockall",
    "munmap", "name_to_handle_at", "nanosleep", "newfstatat", "open", "openat", "openat2", "pause",
    "pidfd_open", "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free", "pkey_mprotect",
    "poll", "ppoll", "ppoll_time64", "prctl", "pread64", "preadv", "preadv2", "prlimit64",
    "process_mrelease", "process_vm_readv", "process_vm_writev", "pselect6", "pselect6_time64",
    "ptrace", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat",
    "readv", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "remap_file_pages",
    "removexattr", "rename", "renameat", "renameat2", "restart_syscall", "rmdir", "rseq",
    "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_tgsigqueueinfo",
    "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
    "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_rr_get_interval_time64",
    "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield",
    "seccomp", "select", "semctl", "semget", "semop", "semtimedop", "semtimedop_time64", "send",
    "sendfile", "sendfile64", "sendmmsg", "sendmsg", "sendto", "set_robust_list", "set_thread_area",
    "set_tid_address", "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32",
    "setgroups", "setgroups32", "setitimer", "setpgid", "setpriority", "setregid", "setregid32",
    "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setrlimit",
    "setsid", "setsockopt", "setuid", "setuid32", "setxattr", "shmat", "shmctl", "shmdt", "shmget",
    "shutdown", "sigaltstack", "signalfd", "signalfd4", "sigprocmask", "sigreturn", "socketcall",
    "socketpair", "splice", "stat", "stat64", "statfs", "statfs64", "statx", "symlink", "symlinkat",
    "sync", "sync_file_range", "syncfs", "sysinfo", "tee", "tgkill", "time", "timer_create",
    "timer_delete", "timer_getoverrun", "timer_gettime", "timer_gettime64", "timer_settime",
    "timer_settime64", "timerfd_create", "timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
    "timerfd_settime64", "times", "tkill", "truncate", "truncate64", "ugetrlimit", "umask", "uname",
    "unlink", "unlinkat", "utime", "utimensat", "utimensat_time64", "utimes", "vfork", "vmsplice",
    "wait4", "waitid", "waitpid", "write", "writev",
#if defined(__x86_64__)
    "arch_prctl", "modify_ldt",
#elif defined(__aarch64__)
    "arm_fadvise64_64", "arm_sync_file_range", "breakpoint", "cacheflush", "set_tls",
    "sync_file_range2",
#endif
};

#if defined(__x86_64__)
constexpr const char* kArchitectures[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
#elif defined(__aarch64__)
constexpr const char* kArchitectures[] = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#else
#error "no seccomp architecture names for this machine"
#endif

constexpr const char* kWithSysAdmin[] = {
    "bpf", "clone", "clone3", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick",
    "listmount", "lookup_dcookie", "lsm_get_self_attr", "lsm_list_modules", "lsm_set_self_attr",
    "mount", "mount_setattr", "move_mount", "open_tree", "perf_event_open", "quotactl",
    "quotactl_fd", "setdomainname", "sethostname", "setns", "statmount", "syslog", "umount",
    "umount2", "unshare",
};
constexpr const char* kWithDacReadSearch[] = {"open_by_handle_at"};
constexpr const char* kWithBoot[] = {"reboot"};
constexpr const char* kWithChroot[] = {"chroot"};
constexpr const char* kWithModule[] = {"delete_module", "finit_module", "init_module"};
constexpr const char* kWithPacct[] = {"acct"};
constexpr const char* kWithPtrace[] = {"kcmp", "pidfd_getfd", "process_madvise"};
constexpr const char* kWithRawio[] = {"ioperm", "iopl"};
constexpr const char* kWithTime[] = {"clock_settime", "clock_settime64", "settimeofday", "stime"};
constexpr const char* kWithTty[] = {"vhangup"};
constexpr const char* kWithNice[] = {"get_mempolicy", "mbind", "set_mempolicy",
                                     "set_mempolicy_home_node"};
constexpr const char* kWithSyslog[] = {"syslog"};
constexpr const char* kWithBpf[] = {"bpf"};
constexpr const char* kWithPerfmon[] = {"perf_event_open"};

// clang-format on

struct CapabilityRule {
  int capability;
  std::span<const char* const> calls;
};

constexpr CapabilityRule kCapabilityRules[] = {
    {CAP_SYS_ADMIN, kWithSysAdmin},
    {CAP_DAC_READ_SEARCH, kWithDacReadSearch},
    {CAP_SYS_BOOT, kWithBoot},
    {CAP_SYS_CHROOT, kWithChroot},
    {CAP_SYS_MODULE, kWithModule},
    {CAP_SYS_PACCT, kWithPacct},
    {CAP_SYS_PTRACE, kWithPtrace},
    {CAP_SYS_RAWIO, kWithRawio},
    {CAP_SYS_TIME, kWithTime},
    {CAP_SYS_TTY_CONFIG, kWithTty},
    {CAP_SYS_NICE, kWithNice},
    {CAP_SYSLOG, kWithSyslog},
    {CAP_BPF, kWithBpf},
    {CAP_PERFMON, kWithPerfmon},
};

// linux/sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
constexpr std::int64_t kNamespaceFlags = 0x7e020000;
// linux/personality.h: PER_LINUX, PER_LINUX32, each with UNAME26, and the query.
constexpr std::int64_t kPersonalities[] = {0x0, 0x8, 0x20000, 0x20008, 0xffffffff};

Json names(const auto& calls) {
  Json::Array list;
  for (const char* call : calls) list.emplace_back(call);
  return list;
}

Json allow(Json calls) {
  return Json::Object{{"names", std::move(calls)}, {"action", "SCMP_ACT_ALLOW"}};
}

/// Allowed if argument 0 compares so.
Json allow_if(const char* call, const char* op, std::int64_t value, std::int64_t value_two = 0) {
  Json argument = Json::Object{{"index", 0}, {"value", value}, {"valueTwo", value_two}, {"op", op}};
  Json rule = allow(Json::array({call}));
  rule.set("args", Json::array({std::move(argument)}));
  return rule;
}

}  // namespace

Json seccomp_profile(std::uint64_t capabilities) {
  auto has = [&](int capability) { return (capabilities >> capability & 1) != 0; };
  Json rules = Json::array();
  rules.push(allow(names(kAllowed)));
  rules.push(allow_if("socket", "SCMP_CMP_NE", AF_VSOCK));
  for (auto personality : kPersonalities)
    rules.push(allow_if("personality", "SCMP_CMP_EQ", personality));
  for (const auto& rule : kCapabilityRules)
    if (has(rule.capability)) rules.push(allow(names(rule.calls)));
  if (!has(CAP_SYS_ADMIN)) {
    rules.push(allow_if("clone", "SCMP_CMP_MASKED_EQ", kNamespaceFlags, 0));
    rules.push(Json::Object{
        {"names", Json::array({"clone3"})}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", ENOSYS}});
  }
  return Json::Object{{"defaultAction", "SCMP_ACT_ERRNO"},
                      {"defaultErrnoRet", EPERM},
                      {"architectures", names(kArchitectures)},
                      {"syscalls", std::move(rules)}};
}

}  // namespace strata
