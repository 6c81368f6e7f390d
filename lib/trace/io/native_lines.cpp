// SPDX-License-Identifier: MIT
#include "trace/io/native_lines.hpp"

#include "base/text.hpp"

#ifdef NETLAB_HAS_LIBDW
#include <cxxabi.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdwfl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "trace/io/arguments.hpp"
#endif

namespace netlab::trace {

std::string shorten_function_name(std::string_view demangled) {
  constexpr std::string_view anonymous = "(anonymous namespace)::";
  std::string name;
  int depth = 0;
  for (std::size_t at = 0; at < demangled.size(); ++at) {
    const char letter = demangled[at];
    if (demangled.substr(at).starts_with(anonymous)) {
      at += anonymous.size() - 1;
      continue;
    }
    const bool is_operator = name.ends_with("operator");
    if (!is_operator && (letter == '<' || letter == '{')) ++depth;
    if (!is_operator && (letter == '>' || letter == '}') && depth > 0) --depth;
    if (depth == 0 && !is_operator && letter == '(') return name;  // its arguments begin
    if (depth == 0 && !is_operator && letter == ' ')
      name.clear();  // it was the return type
    else
      name += letter;
  }
  return name;
}

#ifdef NETLAB_HAS_LIBDW

namespace {

constexpr std::size_t max_frames = 64;
constexpr std::size_t max_named_frames = 24;
constexpr std::size_t max_stack = 8192;     // octets that are read at once
constexpr std::size_t max_known = 4096;     // cached places of a process
constexpr unsigned max_new_modules = 16;    // per process: generated code is in no module, however often we look

// libdw, loaded at run time.

#define NETLAB_LIBDW_FUNCTIONS(each)                                                                              \
  each(dwfl_begin) each(dwfl_end) each(dwfl_report_begin) each(dwfl_report_end) each(dwfl_linux_proc_report)      \
      each(dwfl_linux_proc_find_elf) each(dwfl_standard_find_debuginfo) each(dwfl_attach_state)                   \
          each(dwfl_getthread_frames) each(dwfl_frame_pc) each(dwfl_thread_state_registers)                       \
              each(dwfl_thread_state_register_pc) each(dwfl_addrmodule) each(dwfl_module_info)                    \
                  each(dwfl_module_addrinfo) each(dwfl_module_addrdie) each(dwfl_module_nextcu) each(dwarf_haspc) \
                      each(dwarf_getsrc_die) each(dwarf_lineno) each(dwarf_linesrc) each(dwarf_formstring)        \
                          each(dwarf_getscopes) each(dwarf_tag) each(dwarf_diename) each(dwarf_attr)              \
                              each(dwarf_formudata) each(dwarf_getsrcfiles) each(dwarf_filesrc)

struct library {
  void* handle = nullptr;
#define NETLAB_DECLARE(name) decltype(&::name) name = nullptr;
  NETLAB_LIBDW_FUNCTIONS(NETLAB_DECLARE)
#undef NETLAB_DECLARE

  library() {
    handle = ::dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return;
    bool has_all = true;
    const auto load = [&](auto& to, const char* name) {
      to = reinterpret_cast<std::remove_reference_t<decltype(to)>>(::dlsym(handle, name));
      has_all = has_all && to != nullptr;
    };
#define NETLAB_LOAD(name) load(name, #name);
    NETLAB_LIBDW_FUNCTIONS(NETLAB_LOAD)
#undef NETLAB_LOAD
    // If this is set, libdw downloads debugging information from servers.
    ::unsetenv("DEBUGINFOD_URLS");
    if (!has_all) ::dlclose(std::exchange(handle, nullptr));
  }
  ~library() {
    if (handle != nullptr) ::dlclose(handle);
  }
  library(const library&) = delete;
  library& operator=(const library&) = delete;
};

struct registers {
  std::uint64_t pc = 0;
  std::uint64_t sp = 0;
  std::uint64_t frame = 0;  // the frame pointer
  std::uint64_t link = 0;
  std::array<Dwarf_Word, 33> words{};  // in DWARF's order
  unsigned count = 0;
};

std::optional<registers> read_registers(process_id thread) {
  user_regs_struct raw{};
  iovec where{&raw, sizeof raw};
  if (::ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &where) != 0) return std::nullopt;
  registers made;
#if defined(__x86_64__)
  made.pc = raw.rip;
  made.sp = raw.rsp;
  made.frame = raw.rbp;
  const std::array<std::uint64_t, 17> words{raw.rax, raw.rdx, raw.rcx, raw.rbx, raw.rsi, raw.rdi,
                                            raw.rbp, raw.rsp, raw.r8,  raw.r9,  raw.r10, raw.r11,
                                            raw.r12, raw.r13, raw.r14, raw.r15, raw.rip};
#elif defined(__aarch64__)
  made.pc = raw.pc;
  made.sp = raw.sp;
  made.frame = raw.regs[29];
  made.link = raw.regs[30];
  std::array<std::uint64_t, 32> words{};
  std::copy(std::begin(raw.regs), std::end(raw.regs), words.begin());
  words.back() = raw.sp;
#endif
  std::ranges::copy(words, made.words.begin());
  made.count = static_cast<unsigned>(words.size());
  return made;
}

bool is_of_system(std::string_view path) {
  return path.starts_with("/usr/include/") || path.starts_with("/usr/lib") || path.starts_with("/lib") ||
         path.starts_with('[') || path.contains("/include/c++/");
}

std::string demangle(const char* symbol) {
  if (!std::string_view(symbol).starts_with("_Z")) return symbol;
  int status = 0;
  char* text = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
  const std::string name = text == nullptr ? std::string(symbol) : shorten_function_name(text);
  std::free(text);
  return name;
}

bool is_of_library(std::string_view function) {
  return function.starts_with("std::") || function.starts_with("asio::") || function.starts_with("boost::") ||
         function.starts_with("__gnu_cxx::");
}

}  // namespace

struct native_lines::state {
  struct word {
    std::uint64_t at;
    std::uint64_t value;
    auto operator<=>(const word&) const = default;
  };
  /// With the same registers and the same words on the stack, unwinding has the same result.
  struct place {
    std::vector<word> words;
    std::size_t span = 0;  // of the stack, from its pointer to the last of these words
    std::shared_ptr<const source_line> where;
  };
  struct frame {
    Dwarf_Addr address = 0;
    bool is_return = false;  // the address of the instruction after a call, which may belong to another line
    std::size_t words = 0;   // that were read to find it

    [[nodiscard]] Dwarf_Addr pc() const noexcept { return is_return ? address - 1 : address; }
  };
  struct program {
    Dwfl* about = nullptr;
    bool is_attached = false;
    std::string executable;
    unsigned new_modules = 0;
    std::map<std::array<std::uint64_t, 4>, place> places;
  };

  library with;
  std::unordered_map<process_id, program> programs;

  // of the current search
  process_id thread = 0;
  registers at_entry;
  bytes stack;
  std::vector<word> words;
  std::vector<frame> frames;

  ~state() {
    for (auto& [id, each] : programs)
      if (each.about != nullptr) with.dwfl_end(each.about);
  }

  std::optional<std::uint64_t> read_word(std::uint64_t at) {
    std::uint64_t value = 0;
    if (stack.empty()) stack = read_memory(thread, at_entry.sp, max_stack);
    if (at >= at_entry.sp && at + sizeof value <= at_entry.sp + stack.size()) {
      std::memcpy(&value, stack.data() + (at - at_entry.sp), sizeof value);
      return value;
    }
    const bytes octets = read_memory(thread, at, sizeof value);
    if (octets.size() != sizeof value) return std::nullopt;
    std::memcpy(&value, octets.data(), sizeof value);
    return value;
  }

  bool holds(const place& known) {
    if (known.span > 0) stack = read_memory(thread, at_entry.sp, known.span);
    return std::ranges::all_of(known.words, [&](const word& each) { return read_word(each.at) == each.value; });
  }

  bool report(program& of, process_id process) {
    if (of.about == nullptr) {
      static char* no_path = nullptr;
      static Dwfl_Callbacks callbacks{};
      callbacks.find_elf = with.dwfl_linux_proc_find_elf;
      callbacks.find_debuginfo = with.dwfl_standard_find_debuginfo;
      callbacks.debuginfo_path = &no_path;
      of.about = with.dwfl_begin(&callbacks);
      std::error_code error;
      of.executable = std::filesystem::read_symlink(fmt::format("/proc/{}/exe", process), error).native();
    } else {
      with.dwfl_report_begin(of.about);
    }
    if (of.about == nullptr) return false;
    return with.dwfl_linux_proc_report(of.about, process) == 0 && with.dwfl_report_end(of.about, nullptr, nullptr) == 0;
  }

  bool attach(program& of, process_id process);
  void unwind(program& of);
  [[nodiscard]] std::string function_of(Dwfl_Module* module, Dwarf_Addr pc) const;
  [[nodiscard]] source_line find_line(const program& of);
  [[nodiscard]] Dwarf_Die* find_unit(Dwfl_Module* module, Dwarf_Addr pc, Dwarf_Addr& bias) const;
  std::optional<source_line> line_of(Dwfl_Module* module, Dwarf_Addr pc) const;
};

bool native_lines::state::attach(program& of, process_id process) {
  static const Dwfl_Thread_Callbacks callbacks{
      .next_thread = [](Dwfl*, void*, void**) -> pid_t { return 0; },
      .get_thread =
          [](Dwfl*, pid_t, void* self, void** argument) {
            *argument = self;
            return true;
          },
      .memory_read =
          [](Dwfl*, Dwarf_Addr at, Dwarf_Word* result, void* self) {
            auto& here = *static_cast<state*>(self);
            const auto value = here.read_word(at);
            if (!value) return false;
            here.words.push_back({at, *value});
            *result = *value;
            return true;
          },
      .set_initial_registers =
          [](Dwfl_Thread* thread_state, void* self) {
            const auto& here = *static_cast<state*>(self);
            if (!here.with.dwfl_thread_state_registers(thread_state, 0, here.at_entry.count,
                                                       here.at_entry.words.data()))
              return false;
            here.with.dwfl_thread_state_register_pc(thread_state, here.at_entry.pc);
            return true;
          },
      .detach = nullptr,
      .thread_detach = nullptr,
  };
  of.is_attached = with.dwfl_attach_state(of.about, nullptr, process, &callbacks, this);
  return of.is_attached;
}

void native_lines::state::unwind(program& of) {
  words.clear();
  frames.clear();
  const auto take = [](Dwfl_Frame* unwound, void* self) -> int {
    auto& here = *static_cast<state*>(self);
    Dwarf_Addr pc = 0;
    bool is_activation = false;
    if (!here.with.dwfl_frame_pc(unwound, &pc, &is_activation)) return DWARF_CB_ABORT;
    here.frames.push_back({pc, !is_activation, here.words.size()});
    return here.frames.size() < max_frames ? DWARF_CB_OK : DWARF_CB_ABORT;
  };
  with.dwfl_getthread_frames(of.about, thread, take, this);
}

/// The compilation unit of an address; null if there is none. `bias`: of the module's addresses.
Dwarf_Die* native_lines::state::find_unit(Dwfl_Module* module, Dwarf_Addr pc, Dwarf_Addr& bias) const {
  if (Dwarf_Die* unit = with.dwfl_module_addrdie(module, pc, &bias)) return unit;
  // libdw before 0.192 looks for it in .debug_aranges only, which clang does not write.
  Dwarf_Die* unit = nullptr;
  while ((unit = with.dwfl_module_nextcu(module, unit, &bias)) != nullptr)
    if (with.dwarf_haspc(unit, pc - bias) > 0) return unit;
  return nullptr;
}

/// The line of an address. If it belongs to an inlined function in a system header: the line of its caller.
std::optional<source_line> native_lines::state::line_of(Dwfl_Module* module, Dwarf_Addr pc) const {
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = find_unit(module, pc, bias);
  if (unit == nullptr) return std::nullopt;
  int number = 0;
  Dwarf_Line* line = with.dwarf_getsrc_die(unit, pc - bias);
  const char* file = line == nullptr ? nullptr : with.dwarf_linesrc(line, nullptr, nullptr);
  if (file == nullptr || with.dwarf_lineno(line, &number) != 0) return std::nullopt;
  Dwarf_Attribute in;
  const char* directory = with.dwarf_formstring(with.dwarf_attr(unit, DW_AT_comp_dir, &in));
  const auto complete = [directory](const char* path) {
    return directory == nullptr ? std::string(path)
                                : (std::filesystem::path(directory) / path).lexically_normal().native();
  };
  source_line where{
      .file = complete(file), .line = static_cast<unsigned>(std::max(number, 0)), .function = {}, .text = {}};
  Dwarf_Die* scopes = nullptr;
  const int count = with.dwarf_getscopes(unit, pc - bias, &scopes);
  Dwarf_Files* files = nullptr;
  std::size_t file_count = 0;
  if (count > 0) with.dwarf_getsrcfiles(unit, &files, &file_count);
  for (int at = 0; at < count; ++at) {
    Dwarf_Die* scope = scopes + at;
    const int tag = with.dwarf_tag(scope);
    if (tag != DW_TAG_inlined_subroutine) continue;
    if (!is_of_system(where.file)) {
      if (const char* name = with.dwarf_diename(scope)) where.function = name;
      break;
    }
    Dwarf_Attribute attribute;
    Dwarf_Word file_at = 0;
    Dwarf_Word line_at = 0;
    if (with.dwarf_formudata(with.dwarf_attr(scope, DW_AT_call_file, &attribute), &file_at) != 0) break;
    if (with.dwarf_formudata(with.dwarf_attr(scope, DW_AT_call_line, &attribute), &line_at) != 0) break;
    const char* caller =
        files == nullptr || file_at >= file_count ? nullptr : with.dwarf_filesrc(files, file_at, nullptr, nullptr);
    if (caller == nullptr) break;
    where.file = complete(caller);
    where.line = static_cast<unsigned>(line_at);
  }
  std::free(scopes);
  if (is_of_system(where.file)) return std::nullopt;
  if (where.function.empty()) where.function = function_of(module, pc);
  return where;
}

/// The function of an address by its symbol. In a stripped program the nearest symbol may be that of another function.
std::string native_lines::state::function_of(Dwfl_Module* module, Dwarf_Addr pc) const {
  GElf_Off offset = 0;
  GElf_Sym symbol{};
  const char* mangled = with.dwfl_module_addrinfo(module, pc, &offset, &symbol, nullptr, nullptr, nullptr);
  return mangled == nullptr || offset >= symbol.st_size ? std::string() : demangle(mangled);
}

/// Of the words that were read, keeps those that led to the frame of the result.
source_line native_lines::state::find_line(const program& of) {
  std::vector<std::pair<Dwfl_Module*, const frame*>> own;
  for (const frame& each : frames) {
    Dwfl_Module* module = with.dwfl_addrmodule(of.about, each.pc());
    if (module == nullptr) continue;
    const char* path = with.dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    if (path != nullptr && (path == of.executable || !is_of_system(path))) own.emplace_back(module, &each);
  }
  for (const auto& [module, at] : own) {
    auto line = line_of(module, at->pc());
    if (!line) continue;
    words.resize(at->words);
    return *std::move(line);
  }
  // Looking up a symbol is slow: libdw searches the whole table.
  if (own.size() > max_named_frames) own.resize(max_named_frames);
  for (const auto& [module, at] : own) {
    std::string function = function_of(module, at->pc());
    if (function.empty() || is_of_library(function)) continue;
    words.resize(at->words);
    return {.file = {}, .line = 0, .function = std::move(function), .text = {}};
  }
  return {};
}

native_lines::native_lines() = default;

std::shared_ptr<const source_line> native_lines::find(process_id process, process_id thread, source_files& sources) {
  if (!state_) state_ = std::make_unique<state>();
  state& here = *state_;
  if (here.with.handle == nullptr) return {};
  const auto at_entry = read_registers(thread);
  if (!at_entry) return {};
  here.thread = thread;
  here.at_entry = *at_entry;
  here.stack.clear();
  state::program& of = here.programs[process];
  const std::array<std::uint64_t, 4> key{at_entry->pc, at_entry->sp, at_entry->frame, at_entry->link};
  if (const auto known = of.places.find(key); known != of.places.end() && here.holds(known->second))
    return known->second.where;
  here.stack.clear();
  if (of.about == nullptr && (!here.report(of, process) || !here.attach(of, process))) return {};
  if (!of.is_attached) return {};
  here.unwind(of);
  const bool is_new_code = std::ranges::any_of(
      here.frames, [&](const auto& each) { return here.with.dwfl_addrmodule(of.about, each.pc()) == nullptr; });
  if (is_new_code && of.new_modules < max_new_modules) {
    ++of.new_modules;  // perhaps a library was loaded since
    if (here.report(of, process)) here.unwind(of);
  }
  source_line found = here.find_line(of);
  if (of.places.size() >= max_known) of.places.clear();
  if (!found.file.empty()) found.text = sources.read(fmt::format("/proc/{}/cwd", process), found.file, found.line);
  auto where = std::make_shared<const source_line>(std::move(found));
  std::size_t span = 0;
  for (const state::word& each : here.words)
    if (each.at >= at_entry->sp && each.at - at_entry->sp < max_stack)
      span = std::max<std::size_t>(span, each.at - at_entry->sp + sizeof each.value);
  of.places[key] = {here.words, span, where};
  return where;
}

void native_lines::forget(process_id process) {
  if (!state_) return;
  const auto of = state_->programs.find(process);
  if (of == state_->programs.end()) return;
  if (of->second.about != nullptr) state_->with.dwfl_end(of->second.about);
  state_->programs.erase(of);
}

#else

struct native_lines::state {};
native_lines::native_lines() = default;
std::shared_ptr<const source_line> native_lines::find(process_id, process_id, source_files&) { return {}; }
void native_lines::forget(process_id) {}

#endif

native_lines::native_lines(native_lines&& other) noexcept = default;
native_lines& native_lines::operator=(native_lines&& other) noexcept = default;
native_lines::~native_lines() = default;

}  // namespace netlab::trace
