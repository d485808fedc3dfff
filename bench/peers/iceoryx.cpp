// iceoryx: publisher and subscriber, with chunks in shared memory that a daemon, RouDi, has made; it is started and stopped here. Who waits spins.
//   copy        from the sender's buffer into a chunk, and from the chunk into the receiver's buffer: two copies
//   in-place    no copy: the sender writes the first and the last 8 bytes of what is in the chunk already, and the receiver reads them. What it costs to
//               hand over a message that was built in place and is read in place
#include "peer.h"
#include <algorithm>
#include <grp.h>
#include <memory>
#include <string>
#include <sys/statvfs.h>

#include "iceoryx_hoofs/log/logmanager.hpp"
#include "iceoryx_posh/popo/untyped_publisher.hpp"
#include "iceoryx_posh/popo/untyped_subscriber.hpp"
#include "iceoryx_posh/runtime/posh_runtime.hpp"
#include "iceoryx_versions.hpp"

namespace popo = iox::popo;

#ifndef QUEUED_BYTES
#define QUEUED_BYTES (1 << 20)
#endif

static constexpr size_t queued_bytes = QUEUED_BYTES, chunk_overhead = 256, chunks_beside = 6, most_bytes = (size_t)3 << 30;
static const uint32_t alignment = 64;

static size_t queued; // messages that may lie in the subscriber's queue
static std::string config, applications[2];
static std::unique_ptr<popo::UntypedPublisher> out;
static std::unique_ptr<popo::UntypedSubscriber> in;
static const void *held; // the message that was received last
static bool in_place;
static bool ours; // RouDi runs, and we have started it

static void write_config(size_t chunk, size_t chunks)
{
    char path[] = "/tmp/onecopy-peer-XXXXXX";
    int file = mkstemp(path);
    if (file < 0)
        peer_die(PEER_FAILED, "%s: %s", path, strerror(errno));
    config = path;
    dprintf(file, "[general]\nversion = 1\n[[segment]]\n[[segment.mempool]]\nsize = %zu\ncount = %zu\n", chunk, chunks);
    close(file);
}

// RouDi says in a line that it is ready; at its end instead, another one runs, or there is not enough memory.
static void await_roudi(int said)
{
    std::string text;
    char some[4096];
    ssize_t n;
    while (text.find("ready for clients") == std::string::npos) {
        if ((n = read(said, some, sizeof some)) <= 0)
            peer_die(PEER_UNABLE, "RouDi did not start (another one may run): %.200s", text.substr(0, text.find('\n')).c_str());
        text.append(some, (size_t)n);
    }
}

static void prepare()
{
    size_t chunk = (peer.bytes + chunk_overhead + 63) & ~(size_t)63;
    queued = std::clamp<size_t>(queued_bytes / chunk, 2, 200);
    size_t chunks = queued * (peer.round_trip ? 2 : 1) + chunks_beside;
    if (chunks > most_bytes / chunk)
        peer_die(PEER_UNABLE, "%zu chunks of %zu bytes: RouDi would write %zu MiB before the first message", chunks, chunk, chunks * chunk >> 20);
    struct statvfs shm;
    if (chunk > UINT32_MAX || statvfs("/dev/shm", &shm) || chunks * chunk > shm.f_bavail * shm.f_bsize / 10 * 9)
        peer_die(PEER_UNABLE, "%zu chunks of %zu bytes do not fit /dev/shm", chunks, chunk);
    for (int i = 0; i < 2; i++)
        applications[i] = "onecopy-peer-" + std::to_string(getpid()) + "-" + std::to_string(i);
    write_config(chunk, chunks);
    int said[2];
    if (pipe2(said, O_CLOEXEC))
        peer_die(PEER_FAILED, "pipe: %s", strerror(errno));
    pid_t roudi = fork();
    if (roudi == 0) {
        peer_child();
        dup2(said[1], STDOUT_FILENO);
        dup2(said[1], STDERR_FILENO);
        execlp("iox-roudi", "iox-roudi", "--config-file", config.c_str(), "--monitoring-mode", "off", "--log-level", "info", nullptr);
        dprintf(STDOUT_FILENO, "iox-roudi: %s\n", strerror(errno));
        _exit(PEER_UNABLE);
    }
    if (roudi < 0)
        peer_die(PEER_FAILED, "fork: %s", strerror(errno));
    peer.children[2] = roudi;
    close(said[1]);
    await_roudi(said[0]); // Stays open: RouDi would die of a closed one.
    ours = true;
}

static void cleanup()
{
    unlink(config.c_str());
    // RouDi cleans up after itself, but not when an application died under it. It was ours, and it is gone.
    const group *of = getgrgid(getegid());
    if (ours) {
        for (const std::string &name : {std::string("/dev/shm/iceoryx_mgmt"), std::string("/dev/shm/") + (of ? of->gr_name : ""), std::string("/tmp/roudi"), std::string("/tmp/roudi.lock")})
            unlink(name.c_str());
    }
    for (const std::string &name : applications) {
        unlink(("/tmp/" + name).c_str());
        unlink(("/tmp/" + name + ".lock").c_str());
    }
}

static char *loan()
{
    for (;;) {
        auto chunk = out->loan((uint32_t)peer.bytes, alignment);
        if (!chunk.has_error())
            return (char *)chunk.value();
        if (chunk.get_error() != popo::AllocationError::RUNNING_OUT_OF_CHUNKS)
            peer_die(PEER_UNABLE, "loan: error %d", (int)chunk.get_error());
        peer_pause();
    }
}

// Where the bytes are not there yet, all are written: the first time that a chunk is used.
static void build(char *at)
{
    if (peer.bytes < 16 || memcmp(at + peer.bytes - 8, peer.out + peer.bytes - 8, 8) != 0)
        memcpy(at, peer.out, peer.bytes);
    else {
        memcpy(at, peer.out, 8);
        memcpy(at + peer.bytes - 8, peer.out + peer.bytes - 8, 8);
    }
}

static void open_iceoryx()
{
    in_place = peer_variant("in-place");
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kError, iox::log::LogLevelOutput::kHideLogLevel);
    const char *services[2] = {"to-receiver", "to-sender"};
    iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, applications[peer.role].c_str()));
    int sends = peer.role == PEER_SENDER ? 0 : 1;
    auto service = [&](int which) {
        return iox::capro::ServiceDescription("onecopy", "peer", iox::capro::IdString_t(iox::cxx::TruncateToCapacity, services[which]));
    };
    if (peer.round_trip || sends == 0) {
        popo::PublisherOptions options;
        options.subscriberTooSlowPolicy = popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
        out = std::make_unique<popo::UntypedPublisher>(service(sends), options);
    }
    if (peer.round_trip || sends == 1) {
        popo::SubscriberOptions options;
        options.queueCapacity = queued;
        options.queueFullPolicy = popo::QueueFullPolicy::BLOCK_PRODUCER;
        in = std::make_unique<popo::UntypedSubscriber>(service(!sends), options);
        while (in->getSubscriptionState() != iox::SubscribeState::SUBSCRIBED)
            usleep(1000);
    }
    while (out && !out->hasSubscribers())
        usleep(1000);
    peer_meet(false);
    if (out && in_place && sends == 0) {
        char *chunks[4];
        for (char *&chunk : chunks)
            build(chunk = loan());
        for (char *chunk : chunks)
            out->release(chunk);
    }
}

static void send_one()
{
    char *to = loan();
    if (in_place)
        build(to);
    else
        memcpy(to, peer.out, peer.bytes);
    out->publish(to);
}

static void receive_one()
{
    if (held)
        in->release(held);
    for (;;) {
        auto taken = in->take();
        if (!taken.has_error()) {
            held = taken.value();
            break;
        }
        if (taken.get_error() != popo::ChunkReceiveResult::NO_CHUNK_AVAILABLE)
            peer_die(PEER_FAILED, "take: error %d", (int)taken.get_error());
        peer_pause();
    }
    if (!in_place) {
        memcpy(peer.in, held, peer.bytes);
        return;
    }
    peer.received = (const char *)held;
    if (peer.bytes >= 16 && (memcmp(held, peer.in, 8) == 0 || memcmp(peer.received + peer.bytes - 8, peer.in, 8) == 0))
        peer_die(PEER_FAILED, "wrong bytes"); // 'in' has none of the message.
}

static void send_messages(long n)
{
    for (long i = 0; i < n; i++)
        send_one();
}

static void receive_messages(long n)
{
    for (long i = 0; i < n; i++)
        receive_one();
}

static void ping()
{
    send_one();
    receive_one();
}

static void pong()
{
    receive_one();
    send_one();
}

static void close_iceoryx()
{
    if (held)
        in->release(held);
    in.reset();
    out.reset();
    exit(0); // Its runtime says goodbye to RouDi.
}

static const char *version() { return ICEORYX_LATEST_RELEASE_VERSION; }

int main(int argc, char **argv)
{
    peer_system iceoryx{};
    iceoryx.name = "iceoryx";
    iceoryx.variants[0] = "copy";
    iceoryx.variants[1] = "in-place";
    iceoryx.version = version;
    iceoryx.prepare = prepare;
    iceoryx.open = open_iceoryx;
    iceoryx.send = send_messages;
    iceoryx.receive = receive_messages;
    iceoryx.ping = ping;
    iceoryx.pong = pong;
    iceoryx.close = close_iceoryx;
    iceoryx.cleanup = cleanup;
    return peer_main(argc, argv, &iceoryx);
}
