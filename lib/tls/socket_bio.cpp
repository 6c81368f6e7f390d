// SPDX-License-Identifier: MIT
#include "tls/socket_bio.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "tls/openssl_ptr.hpp"

namespace netlab::tls {
namespace {

using method_ptr = std::unique_ptr<BIO_METHOD, freed_by<BIO_meth_free>>;

int read(BIO* bio, char* to, int size) {
  auto& self = *static_cast<socket_bio*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (std::exchange(self.is_drained, false)) {
    BIO_set_retry_read(bio);
    return -1;
  }
  for (;;) {
    const ssize_t got = ::recv(*self.fd, to, static_cast<std::size_t>(size), 0);
    if (got > 0) {
      self.is_drained = got < size;
      return static_cast<int>(got);
    }
    if (got == 0) {
      *self.ended = true;
      return 0;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      BIO_set_retry_read(bio);
    else
      *self.error = last_system_error();
    return -1;
  }
}

int write(BIO* bio, const char* from, int size) {
  auto& self = *static_cast<socket_bio*>(BIO_get_data(bio));
  try {
    append(*self.out, std::string_view(from, static_cast<std::size_t>(size)));
  } catch (const std::bad_alloc&) {  // no exception may pass through OpenSSL
    *self.error = std::make_error_code(std::errc::not_enough_memory);
    return -1;
  }
  return size;
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return *static_cast<socket_bio*>(BIO_get_data(bio))->ended ? 1 : 0;
  return 0;
}

int destroy(BIO* bio) {
  delete static_cast<socket_bio*>(BIO_get_data(bio));
  return 1;
}

}  // namespace

BIO* socket_bio::make(socket_bio its) {
  static const method_ptr method = [] {
    method_ptr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "netlab socket"));
    if (!made) throw std::bad_alloc();
    BIO_meth_set_read(made.get(), read);
    BIO_meth_set_write(made.get(), write);
    BIO_meth_set_ctrl(made.get(), control);
    BIO_meth_set_destroy(made.get(), destroy);
    return made;
  }();
  auto data = std::make_unique<socket_bio>(its);
  BIO* bio = BIO_new(method.get());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, data.release());
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace netlab::tls
