// SPDX-License-Identifier: MIT
// Preloaded into netlab (LD_PRELOAD), makes an allocation fail, chosen by number while the program runs. The file named
// by $NETLAB_TEST_ALLOCATIONS is shared memory, in which a test sets the number and reads the count of allocations. C++
// allocations are included: operator new calls malloc().
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

// The C library's own functions, under the names that it provides for this purpose.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

struct control {
  std::atomic<std::int64_t> left;  // allocations until one fails; below 1: none fails, or all if `for_good`
  std::atomic<std::int64_t> for_good;
  std::atomic<std::int64_t> total;  // allocations so far
  std::atomic<std::int64_t> failed;  // failed ones
};

control* shared = nullptr;

[[gnu::constructor]] void begin() {
  const char* file = std::getenv("NETLAB_TEST_ALLOCATIONS");
  if (file == nullptr) return;
  const int fd = ::open(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* at = ::mmap(nullptr, sizeof(control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (at != MAP_FAILED) shared = static_cast<control*>(at);
}

bool fails() {
  if (shared == nullptr) return false;
  ++shared->total;
  if (shared->left < 1 && shared->for_good == 0) return false;
  const std::int64_t left = --shared->left;
  if (left > 0 || (left < 0 && shared->for_good == 0)) return false;
  ++shared->failed;
  errno = ENOMEM;
  return true;
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) { return fails() ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) { return fails() ? nullptr : __libc_calloc(count, size); }
void* realloc(void* old, std::size_t size) { return fails() ? nullptr : __libc_realloc(old, size); }
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return fails() ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** made, std::size_t alignment, std::size_t size) {
  void* const at = fails() ? nullptr : __libc_memalign(alignment, size);
  if (at == nullptr) return ENOMEM;
  *made = at;
  return 0;
}
}
