#include "sync/remote/ref_listing.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/text.hpp"

namespace tidemark::sync {

namespace {

constexpr std::size_t max_bytes = 256 * 1024 * 1024;

void count(std::size_t& total, std::size_t more) {
  total += more;
  if (total > max_bytes) throw ProtocolError("the server lists refs without end");
}

[[noreturn]] void refuse(std::string_view text) {
  throw ProtocolError("the server does not speak git's protocol: it says '" + one_line(text, 200) + "'");
}

void check_hash(std::string_view format) {
  if (format != "sha1") throw ProtocolError("the repository's hashes are " + one_line(format, 40) + "; only those of SHA-1 are read");
}

// "OID NAME"; nothing when the name is none of `names`. Names are compared whole: a prefix may match more.
std::optional<RemoteRef> wanted_ref(std::string_view text, const std::vector<std::string>& names) {
  const std::size_t space = text.find(' ');
  const auto oid = git::Oid::parse(text.substr(0, space));
  if (space == std::string_view::npos || !oid) refuse(text);
  const std::string_view rest = text.substr(space + 1);
  const std::string_view name = rest.substr(0, rest.find(' '));
  if (std::ranges::find(names, name) == names.end()) return std::nullopt;
  return RemoteRef{std::string(name), *oid};
}

void keep(std::vector<RemoteRef>& refs, std::optional<RemoteRef> ref) {
  if (ref && std::ranges::find(refs, ref->name, &RemoteRef::name) == refs.end()) refs.push_back(std::move(*ref));
}

}  // namespace

void Advertisement::feed(std::string_view bytes) {
  count(bytes_, bytes.size());
  lines_.feed(bytes);
  while (!is_complete()) {
    const auto line = lines_.next();
    if (!line) return;
    take(*line);
  }
}

void Advertisement::take(const PktLine& line) {
  if (line.kind == PktLine::Kind::data) {
    switch (state_) {
      case State::start:
      case State::after_service:
        return take_first(line.text);
      case State::capabilities:
        return take_capability(line.text);
      case State::refs:
        return take_ref(line.text);
      case State::complete:
        return;
    }
  }
  if (line.kind != PktLine::Kind::flush || state_ == State::start) refuse("");
  if (state_ == State::capabilities && !has_ls_refs_) refuse("version 2 without ls-refs");
  // A flush follows "# service=...", and in an empty repository of v0 at once another one.
  if (state_ == State::after_service && !is_service_flushed_)
    is_service_flushed_ = true;
  else
    state_ = State::complete;
}

void Advertisement::take_first(std::string_view text) {
  if (state_ == State::start && text == "# service=git-upload-pack") {
    state_ = State::after_service;
  } else if (text == "version 2") {
    is_v2_ = true;
    state_ = State::capabilities;
  } else if (text == "version 1") {
    state_ = State::refs;
  } else {
    state_ = State::refs;
    take_ref(text);
  }
}

void Advertisement::take_capability(std::string_view text) {
  constexpr std::string_view format = "object-format=";
  if (text == "ls-refs" || text.starts_with("ls-refs=")) has_ls_refs_ = true;
  if (text.starts_with(format)) check_hash(text.substr(format.size()));
  if (text.starts_with("fetch=") && (" " + std::string(text.substr(6)) + " ").find(" shallow ") != std::string::npos) can_be_shallow_ = true;
}

// The first has the capabilities behind a NUL.
void Advertisement::take_ref(std::string_view text) {
  const std::size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    const std::string_view capabilities = text.substr(nul + 1);
    constexpr std::string_view format = " object-format=";
    const std::size_t at = (" " + std::string(capabilities)).find(format);
    if (at != std::string::npos) {
      const std::string_view rest = capabilities.substr(at + format.size() - 1);
      check_hash(rest.substr(0, rest.find(' ')));
    }
  }
  if (text.starts_with("shallow ")) return;
  keep(refs_, wanted_ref(text.substr(0, nul), names_));
}

// No capabilities: a server refuses those that it did not advertise, and each has its default.
std::string ls_refs_request(const std::vector<std::string>& names) {
  std::string request = pkt_line("command=ls-refs");
  request += pkt_delimiter;
  for (const auto& name : names) request += pkt_line("ref-prefix " + name);
  request += pkt_flush;
  return request;
}

std::string v0_advertisement(const std::vector<RemoteRef>& refs, bool can_be_shallow) {
  std::string text = pkt_line("# service=git-upload-pack");
  text += pkt_flush;
  std::string capabilities(1, '\0');
  capabilities += "multi_ack_detailed side-band-64k thin-pack ofs-delta";
  if (can_be_shallow) capabilities += " shallow";
  for (const auto& ref : refs) text += pkt_line(ref.oid.hex() + " " + ref.name + std::exchange(capabilities, ""));
  text += pkt_flush;
  return text;
}

void LsRefsAnswer::feed(std::string_view bytes) {
  count(bytes_, bytes.size());
  lines_.feed(bytes);
  while (!is_complete_) {
    const auto line = lines_.next();
    if (!line) return;
    if (line->kind == PktLine::Kind::flush)
      is_complete_ = true;
    else if (line->kind != PktLine::Kind::data)
      refuse("");
    else if (!line->text.starts_with("unborn "))
      keep(refs_, wanted_ref(line->text, names_));
  }
}

}  // namespace tidemark::sync
