// SPDX-License-Identifier: MIT
#include "frame/out_of_memory.hpp"

#include <openssl/crypto.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <new>

#include "frame/exit_status.hpp"

namespace netlab::app {
namespace {

constexpr std::string_view end_of_line = ": out of memory\n";

// Prepared in advance, because there will be no memory for it.
std::array<char, 128> last_line;
std::size_t last_line_size = 0;
std::terminate_handler other_reasons = nullptr;
std::atomic<bool> was_refused = false;
std::atomic<bool> survives = false;

// OpenSSL reports a lack of memory in many ways, for example as a file without certificates. A client ends before that.
void* allocate_for_openssl(std::size_t size, const char*, int) {
  void* const memory = std::malloc(size);
  if (memory == nullptr && size > 0 && !survives) end_out_of_memory();
  return memory;
}
void* reallocate_for_openssl(void* old, std::size_t size, const char*, int) {
  void* const memory = std::realloc(old, size);
  if (memory == nullptr && size > 0 && !survives) end_out_of_memory();
  return memory;
}
void free_for_openssl(void* memory, const char*, int) { std::free(memory); }

[[noreturn]] void throw_bad_alloc() {
  was_refused = true;
  throw std::bad_alloc();
}

[[noreturn]] void end_by_exception() noexcept {
  if (std::current_exception() != nullptr) {
    try {
      throw;
    } catch (const std::bad_alloc&) {
      end_out_of_memory();
    } catch (...) {
      // A bug: the standard library's handler reports the exception.
    }
  }
  // In a noexcept function, the exception may not be caught yet and cannot be examined.
  if (std::current_exception() == nullptr && std::uncaught_exceptions() > 0 && was_refused) end_out_of_memory();
  other_reasons();
  ::_exit(static_cast<int>(exit_status::internal));
}

}  // namespace

void name_command(std::string_view command) noexcept {
  command = command.substr(0, last_line.size() - end_of_line.size());
  char* at = std::copy(command.begin(), command.end(), last_line.begin());
  at = std::copy(end_of_line.begin(), end_of_line.end(), at);
  last_line_size = static_cast<std::size_t>(at - last_line.data());
}

std::string_view command_name() noexcept { return {last_line.data(), last_line_size - end_of_line.size()}; }

void end_out_of_memory() noexcept {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, last_line.data(), last_line_size);
  ::_exit(static_cast<int>(exit_status::system));
}

void end_when_out_of_memory() noexcept {
  name_command("netlab");
  other_reasons = std::set_terminate(end_by_exception);
  std::set_new_handler(end_out_of_memory);
  CRYPTO_set_mem_functions(allocate_for_openssl, reallocate_for_openssl, free_for_openssl);
}

void survive_out_of_memory() noexcept {
  survives = true;
  std::set_new_handler(throw_bad_alloc);
}

}  // namespace netlab::app
