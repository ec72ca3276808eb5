// A library for LD_PRELOAD that counts the calls of main, and of all that it calls, by families
// (open, write, malloc, ...), and makes one of them fail. README.md lists the variables it reads.
//
// Nothing in here allocates or throws, as it runs inside malloc and in every thread.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

// The allocator under names of glibc's own, which need not be looked up: that could allocate.
extern "C" {
void* __libc_malloc(std::size_t size) noexcept;                           // NOLINT
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;        // NOLINT
void* __libc_realloc(void* old, std::size_t size) noexcept;               // NOLINT
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;  // NOLINT
}

namespace {

struct Family {
  std::string_view name;
  std::atomic<long> calls = 0;
};

Family opening{"open"}, reading{"read"}, listing{"readdir"}, writing{"write"}, copying{"sendfile"},
    flushing{"fsync"}, renaming{"rename"}, unlinking{"unlink"}, making{"mkdir"},
    shortening{"ftruncate"}, closing{"close"}, locking{"flock"}, looking{"stat"}, mapping{"mmap"},
    allocating{"malloc"}, starting{"thread"};
constexpr std::array kFamilies{&opening,  &reading,   &listing,    &writing,    &copying, &flushing,
                               &renaming, &unlinking, &making,     &shortening, &closing, &locking,
                               &looking,  &mapping,   &allocating, &starting};

/// Which call fails and how; read from the environment before main.
struct Plan {
  const Family* family = nullptr;
  long nth = 0;  ///< counted from 1
  int error = EIO;
  bool half = false;            ///< the nth transfers half of its bytes in place of failing
  bool after_half = false;      ///< then the one after it fails
  bool from_on = false;         ///< all later ones fail too
  const char* path = nullptr;   ///< only calls for paths that contain it count
  std::size_t least_bytes = 0;  ///< nor do smaller allocations
  const char* report = nullptr;
};

Plan plan;
std::atomic<bool> counts = false;  ///< whether main has begun

/// A line of text; what does not fit is cut.
class Line {
 public:
  Line& operator<<(std::string_view text) {
    const std::size_t n = std::min(text.size(), text_.size() - size_);
    std::memcpy(text_.data() + size_, text.data(), n);
    size_ += n;
    return *this;
  }
  Line& operator<<(long number) {
    std::array<char, 24> digits;
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
  }
  /// Appends it to the report, by system calls that are not counted.
  void report() const {
    if (plan.report == nullptr) return;
    const long file = ::syscall(SYS_openat, AT_FDCWD, plan.report,
                                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) return;
    ::syscall(SYS_write, file, text_.data(), size_);
    ::syscall(SYS_close, file);
  }

 private:
  std::array<char, 2 * PATH_MAX> text_;
  std::size_t size_ = 0;
};

/// A call that may fail: of which function, and on which file, by path or by descriptor.
struct Call {
  const char* function;
  const char* path = nullptr;
  int file = -1;
};

using Path = std::array<char, PATH_MAX>;

/// Returns the path of the call's file, in `found` if need be; "" where there is none.
const char* path_of(const Call& call, Path& found) {
  if (call.path != nullptr) return call.path;
  found[0] = '\0';
  if (call.file < 0) return found.data();
  std::array<char, 40> link{"/proc/self/fd/"};
  char* number = link.data() + std::strlen(link.data());
  std::to_chars(number, link.data() + link.size() - 1, call.file);
  const long size =
      ::syscall(SYS_readlinkat, AT_FDCWD, link.data(), found.data(), found.size() - 1);
  found[static_cast<std::size_t>(std::max(size, 0L))] = '\0';
  return found.data();
}

}  // namespace

/// Reports the call that fails. Debuggers stop here.
extern "C" [[gnu::noinline]] void fail_nth_now(const char* function, const char* path) {
  Line line;
  (line << "failed " << function << " " << path << "\n").report();
}

namespace {

enum class Fate { kPasses, kFails, kTransfersHalf };

Fate fate_of_nth(long call) {
  if (call == plan.nth) return plan.half ? Fate::kTransfersHalf : Fate::kFails;
  const bool fails = call > plan.nth && (plan.from_on || (plan.after_half && call == plan.nth + 1));
  return fails ? Fate::kFails : Fate::kPasses;
}

/// Counts a call and says what becomes of it. Leaves errno as it is, or as a failure sets it.
Fate count(Family& family, const Call& call) {
  // Standard error never fails, or no sentence about a fault could be seen.
  if (!counts.load(std::memory_order_acquire) || call.file == STDERR_FILENO) return Fate::kPasses;
  const int error = errno;
  Path found;
  Fate fate = Fate::kPasses;
  if (plan.path == nullptr || std::strstr(path_of(call, found), plan.path) != nullptr) {
    const long number = family.calls.fetch_add(1, std::memory_order_relaxed) + 1;
    if (plan.family == &family) fate = fate_of_nth(number);
    if (fate != Fate::kPasses && number == plan.nth) {
      fail_nth_now(call.function, path_of(call, found));
    }
  }
  errno = fate == Fate::kFails ? plan.error : error;
  return fate;
}

/// Does what the function does, or fails in its place.
template <class Result, class Real>
Result or_fail(Family& family, const Call& call, Result failure, Real real) {
  return count(family, call) == Fate::kPasses ? real() : failure;
}

/// The same for a function that transfers up to `size` bytes.
template <class Real>
ssize_t transfer(Family& family, const Call& call, std::size_t size, Real real) {
  const Fate fate = count(family, call);
  if (fate == Fate::kFails) return -1;
  return real(fate == Fate::kPasses ? size : (size + 1) / 2);
}

bool is_counted(std::size_t bytes) {
  return counts.load(std::memory_order_relaxed) && bytes >= plan.least_bytes;
}

/// The same for an allocation.
template <class Real>
void* allocate(const char* function, std::size_t bytes, Real real) {
  return is_counted(bytes) ? or_fail<void*>(allocating, {function}, nullptr, real) : real();
}

long number_in(const char* variable, long otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtol(text, nullptr, 10);
}

void read_plan() {
  const char* family = std::getenv("FAIL_FAMILY");
  const char* how = std::getenv("FAIL_HOW");
  for (const Family* one : kFamilies) {
    if (family != nullptr && one->name == family) plan.family = one;
  }
  plan.nth = number_in("FAIL_NTH", 0);
  plan.error = static_cast<int>(number_in("FAIL_ERROR", EIO));
  const std::string_view way = how == nullptr ? "once" : how;
  plan.half = way == "short" || way == "torn";
  plan.after_half = way == "torn";
  plan.from_on = way == "from_on";
  plan.path = std::getenv("FAIL_PATH");
  plan.least_bytes = static_cast<std::size_t>(number_in("FAIL_LEAST_BYTES", 0));
  plan.report = std::getenv("FAIL_REPORT");
  if (plan.nth <= 0) plan.family = nullptr;
}

using Main = int (*)(int, char**, char**);
Main real_main;

int counted_main(int argc, char** argv, char** environment) {
  read_plan();
  counts.store(true, std::memory_order_release);
  return real_main(argc, argv, environment);
}

__attribute__((destructor)) void report_counts() {
  counts = false;
  for (const Family* family : kFamilies) {
    Line line;
    (line << "calls " << family->name << " " << family->calls.load() << "\n").report();
  }
}

}  // namespace

/// The function of this name that the program would call without this library.
#define REAL(name) \
  static const auto real = reinterpret_cast<decltype(&::name)>(::dlsym(RTLD_NEXT, #name))

extern "C" {

// Called by the start-up code of every program, with its main.
int __libc_start_main(Main main, int argc, char** argv, void (*init)(), void (*fini)(),  // NOLINT
                      void (*loader_fini)(), void* stack_end) {
  using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  real_main = main;
  const auto start = reinterpret_cast<Start>(::dlsym(RTLD_NEXT, "__libc_start_main"));
  return start(counted_main, argc, argv, init, fini, loader_fini, stack_end);
}

// --- open

#define MODE_OF(how)                                            \
  mode_t mode = 0;                                              \
  if (((how)&O_CREAT) != 0 || ((how)&O_TMPFILE) == O_TMPFILE) { \
    va_list rest;                                               \
    va_start(rest, how);                                        \
    mode = va_arg(rest, mode_t);                                \
    va_end(rest);                                               \
  }

int open(const char* path, int how, ...) {
  REAL(open);
  MODE_OF(how)
  return or_fail(opening, {"open", path}, -1, [&] { return real(path, how, mode); });
}
int open64(const char* path, int how, ...) {
  REAL(open64);
  MODE_OF(how)
  return or_fail(opening, {"open", path}, -1, [&] { return real(path, how, mode); });
}
int openat(int folder, const char* path, int how, ...) {
  REAL(openat);
  MODE_OF(how)
  return or_fail(opening, {"openat", path}, -1, [&] { return real(folder, path, how, mode); });
}
int openat64(int folder, const char* path, int how, ...) {
  REAL(openat64);
  MODE_OF(how)
  return or_fail(opening, {"openat", path}, -1, [&] { return real(folder, path, how, mode); });
}
FILE* fopen(const char* path, const char* how) {
  REAL(fopen);
  return or_fail<FILE*>(opening, {"fopen", path}, nullptr, [&] { return real(path, how); });
}
FILE* fopen64(const char* path, const char* how) {
  REAL(fopen64);
  return or_fail<FILE*>(opening, {"fopen", path}, nullptr, [&] { return real(path, how); });
}
DIR* opendir(const char* path) {
  REAL(opendir);
  return or_fail<DIR*>(opening, {"opendir", path}, nullptr, [&] { return real(path); });
}
DIR* fdopendir(int file) {
  REAL(fdopendir);
  return or_fail<DIR*>(opening, {"fdopendir", nullptr, file}, nullptr, [&] { return real(file); });
}

// --- read, readdir

ssize_t read(int file, void* bytes, size_t size) {
  REAL(read);
  return transfer(reading, {"read", nullptr, file}, size,
                  [&](size_t n) { return real(file, bytes, n); });
}
ssize_t pread(int file, void* bytes, size_t size, off_t at) {
  REAL(pread);
  return transfer(reading, {"pread", nullptr, file}, size,
                  [&](size_t n) { return real(file, bytes, n, at); });
}
ssize_t pread64(int file, void* bytes, size_t size, off64_t at) {
  REAL(pread64);
  return transfer(reading, {"pread", nullptr, file}, size,
                  [&](size_t n) { return real(file, bytes, n, at); });
}
struct dirent* readdir(DIR* folder) {
  REAL(readdir);
  return or_fail<struct dirent*>(listing, {"readdir", nullptr, ::dirfd(folder)}, nullptr,
                                 [&] { return real(folder); });
}
struct dirent64* readdir64(DIR* folder) {
  REAL(readdir64);
  return or_fail<struct dirent64*>(listing, {"readdir", nullptr, ::dirfd(folder)}, nullptr,
                                   [&] { return real(folder); });
}

// --- write, sendfile

ssize_t write(int file, const void* bytes, size_t size) {
  REAL(write);
  return transfer(writing, {"write", nullptr, file}, size,
                  [&](size_t n) { return real(file, bytes, n); });
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  REAL(pwrite);
  return transfer(writing, {"pwrite", nullptr, file}, size,
                  [&](size_t n) { return real(file, bytes, n, at); });
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
  REAL(pwrite64);
  return transfer(writing, {"pwrite", nullptr, file}, size,
                  [&](size_t n) { return real(file, bytes, n, at); });
}
ssize_t writev(int file, const struct iovec* parts, int count_of_parts) {
  REAL(writev);
  const Fate fate = count(writing, {"writev", nullptr, file});
  if (fate == Fate::kFails) return -1;
  if (fate == Fate::kPasses || count_of_parts == 0) return real(file, parts, count_of_parts);
  const struct iovec half { parts->iov_base, (parts->iov_len + 1) / 2 };
  return real(file, &half, 1);
}
ssize_t sendfile(int to, int from, off_t* at, size_t size) noexcept {
  REAL(sendfile);
  return transfer(copying, {"sendfile", nullptr, to}, size,
                  [&](size_t n) { return real(to, from, at, n); });
}
ssize_t sendfile64(int to, int from, off64_t* at, size_t size) noexcept {
  REAL(sendfile64);
  return transfer(copying, {"sendfile", nullptr, to}, size,
                  [&](size_t n) { return real(to, from, at, n); });
}
ssize_t copy_file_range(int from, off64_t* from_at, int to, off64_t* to_at, size_t size,
                        unsigned int how) {
  REAL(copy_file_range);
  return transfer(copying, {"copy_file_range", nullptr, to}, size,
                  [&](size_t n) { return real(from, from_at, to, to_at, n, how); });
}

// --- fsync, rename, unlink, mkdir, ftruncate

int fsync(int file) {
  REAL(fsync);
  return or_fail(flushing, {"fsync", nullptr, file}, -1, [&] { return real(file); });
}
int fdatasync(int file) {
  REAL(fdatasync);
  return or_fail(flushing, {"fdatasync", nullptr, file}, -1, [&] { return real(file); });
}
int rename(const char* from, const char* to) noexcept {
  REAL(rename);
  return or_fail(renaming, {"rename", from}, -1, [&] { return real(from, to); });
}
int unlink(const char* path) noexcept {
  REAL(unlink);
  return or_fail(unlinking, {"unlink", path}, -1, [&] { return real(path); });
}
int unlinkat(int folder, const char* path, int how) noexcept {
  REAL(unlinkat);
  return or_fail(unlinking, {"unlinkat", path}, -1, [&] { return real(folder, path, how); });
}
int remove(const char* path) noexcept {
  REAL(remove);
  return or_fail(unlinking, {"remove", path}, -1, [&] { return real(path); });
}
int rmdir(const char* path) noexcept {
  REAL(rmdir);
  return or_fail(unlinking, {"rmdir", path}, -1, [&] { return real(path); });
}
int mkdir(const char* path, mode_t mode) noexcept {
  REAL(mkdir);
  return or_fail(making, {"mkdir", path}, -1, [&] { return real(path, mode); });
}
int ftruncate(int file, off_t size) noexcept {
  REAL(ftruncate);
  return or_fail(shortening, {"ftruncate", nullptr, file}, -1, [&] { return real(file, size); });
}
int ftruncate64(int file, off64_t size) noexcept {
  REAL(ftruncate64);
  return or_fail(shortening, {"ftruncate", nullptr, file}, -1, [&] { return real(file, size); });
}

// --- close, whose failure still closes; flock

int close(int file) {
  REAL(close);
  const Fate fate = count(closing, {"close", nullptr, file});
  const int error = errno;
  const int closed = real(file);
  if (fate == Fate::kPasses) return closed;
  errno = error;
  return -1;
}
int flock(int file, int how) noexcept {
  REAL(flock);
  return or_fail(locking, {"flock", nullptr, file}, -1, [&] { return real(file, how); });
}

// --- stat

int stat(const char* path, struct stat* status) noexcept {
  REAL(stat);
  return or_fail(looking, {"stat", path}, -1, [&] { return real(path, status); });
}
int stat64(const char* path, struct stat64* status) noexcept {
  REAL(stat64);
  return or_fail(looking, {"stat", path}, -1, [&] { return real(path, status); });
}
int lstat(const char* path, struct stat* status) noexcept {
  REAL(lstat);
  return or_fail(looking, {"lstat", path}, -1, [&] { return real(path, status); });
}
int lstat64(const char* path, struct stat64* status) noexcept {
  REAL(lstat64);
  return or_fail(looking, {"lstat", path}, -1, [&] { return real(path, status); });
}
int fstat(int file, struct stat* status) noexcept {
  REAL(fstat);
  return or_fail(looking, {"fstat", nullptr, file}, -1, [&] { return real(file, status); });
}
int fstat64(int file, struct stat64* status) noexcept {
  REAL(fstat64);
  return or_fail(looking, {"fstat", nullptr, file}, -1, [&] { return real(file, status); });
}
int fstatat(int folder, const char* path, struct stat* status, int how) noexcept {
  REAL(fstatat);
  return or_fail(looking, {"fstatat", path}, -1, [&] { return real(folder, path, status, how); });
}
int statvfs(const char* path, struct statvfs* status) noexcept {
  REAL(statvfs);
  return or_fail(looking, {"statvfs", path}, -1, [&] { return real(path, status); });
}
char* realpath(const char* path, char* found) noexcept {
  REAL(realpath);
  return or_fail<char*>(looking, {"realpath", path}, nullptr, [&] { return real(path, found); });
}

// --- mmap of files

void* mmap(void* where, size_t size, int protection, int how, int file, off_t at) noexcept {
  REAL(mmap);
  const auto map = [&] { return real(where, size, protection, how, file, at); };
  return file < 0 ? map() : or_fail(mapping, {"mmap", nullptr, file}, MAP_FAILED, map);
}
void* mmap64(void* where, size_t size, int protection, int how, int file, off64_t at) noexcept {
  REAL(mmap64);
  const auto map = [&] { return real(where, size, protection, how, file, at); };
  return file < 0 ? map() : or_fail(mapping, {"mmap", nullptr, file}, MAP_FAILED, map);
}

// --- malloc

void* malloc(size_t size) noexcept {
  return allocate("malloc", size, [&] { return __libc_malloc(size); });
}
void* calloc(size_t number, size_t size) noexcept {
  return allocate("calloc", number * size, [&] { return __libc_calloc(number, size); });
}
void* realloc(void* old, size_t size) noexcept {
  return allocate("realloc", size, [&] { return __libc_realloc(old, size); });
}
void* memalign(size_t alignment, size_t size) noexcept {
  return allocate("memalign", size, [&] { return __libc_memalign(alignment, size); });
}
void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return allocate("aligned_alloc", size, [&] { return __libc_memalign(alignment, size); });
}
int posix_memalign(void** where, size_t alignment, size_t size) noexcept {
  const int error = errno;  // which it must not change
  void* found = allocate("posix_memalign", size, [&] { return __libc_memalign(alignment, size); });
  errno = error;
  if (found == nullptr) return ENOMEM;
  *where = found;
  return 0;
}

// --- threads

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
  REAL(pthread_create);
  const auto create = [&] { return real(thread, attributes, start, argument); };
  return or_fail(starting, {"pthread_create"}, plan.error, create);
}

}  // extern "C"
