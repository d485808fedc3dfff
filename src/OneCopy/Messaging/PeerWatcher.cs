using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Who wants to know of a participant's end: a queue handle.</summary>
internal interface IPeerObserver
{
    /// <summary>
    /// The participant's process has ended, or may have. True: settled (recovered, or no longer there). False: ask again soon.
    /// </summary>
    bool OnPeerMayHaveDied(int index, long incarnation);

    /// <summary>What was asked for with <see cref="PeerWatcher.LookLater"/>.</summary>
    void OnLater();
}

/// <summary>
/// One thread in a process waits for the ends of all peers, by their pidfds. That is the notice; the proof is the lock on the
/// peer's file. Only a peer that has no pidfd (another pid namespace) is looked at now and then.
/// </summary>
internal sealed class PeerWatcher
{
    private const int ProbePeriod = 100;
    private const int RetryPeriod = 2;
    private const int LongestRetryPeriod = 25;

    // Longer than it takes a sleeper to come on a busy machine, mostly, and so short that several who do not come one after the other are no wait.
    private const int LaterPeriod = 20;

    // An observer stays where it is when it has been called, and is only given another time.
    private const long Never = long.MaxValue;
    private static readonly Lazy<PeerWatcher> s_shared = new(() => new PeerWatcher());

    private readonly SafeFileHandle _epoll = SafeFd.Of(Epoll.epoll_create1());
    private readonly SafeFileHandle _wake = SafeFd.Of(Epoll.eventfd());
    private readonly ConcurrentDictionary<long, Watch> _watches = new();
    private readonly ConcurrentDictionary<IPeerObserver, long> _later = new();
    private long _lastId;

    private PeerWatcher()
    {
        Epoll.epoll_ctl(_epoll.Fd(), Epoll.EPOLL_CTL_ADD, _wake.Fd(), Epoll.EPOLLIN, 0).OrThrow("epoll_ctl");
        new Thread(Run) { IsBackground = true, Name = "OneCopy peers" }.Start();
    }

    public static PeerWatcher Shared => s_shared.Value;

    /// <summary>Watches a peer by its pidfd, or without one by asking now and then.</summary>
    public long Add(IPeerObserver observer, int index, long incarnation, SafeFileHandle? pidfd)
    {
        long id = Interlocked.Increment(ref _lastId);
        Watch watch = new(observer, index, incarnation, pidfd);
        _watches[id] = watch;
        bool polled = pidfd is null
            || !Epoll.epoll_ctl(_epoll.Fd(), Epoll.EPOLL_CTL_ADD, pidfd.Fd(), Epoll.EPOLLIN | Epoll.EPOLLONESHOT, id).Succeeded;
        if (polled)
        {
            watch.NextLook = 0;
            Wake();
        }

        return id;
    }

    public void Remove(long id)
    {
        if (!_watches.TryRemove(id, out Watch? watch) || watch.Pidfd is not { } pidfd)
            return;
        bool added = false;
        try
        {
            pidfd.DangerousAddRef(ref added);
            Epoll.epoll_ctl(_epoll.Fd(), Epoll.EPOLL_CTL_DEL, pidfd.Fd(), 0, 0);
        }
        catch (ObjectDisposedException)
        {
            // Closed, and so out of the set.
        }
        finally
        {
            if (added)
                pidfd.DangerousRelease();
        }
    }

    /// <summary>For a handle that opens: what asking makes is made here, and not with a message.</summary>
    public void ExpectLater(IPeerObserver observer) => _later[observer] = Never;

    /// <summary>Calls <see cref="IPeerObserver.OnLater"/> once, in a while.</summary>
    public void LookLater(IPeerObserver observer)
    {
        _later[observer] = Stopwatch.GetTimestamp() + (LaterPeriod * Stopwatch.Frequency / 1000);
        Wake();
    }

    /// <summary>For a handle that closes.</summary>
    public void ForgetLater(IPeerObserver observer) => _later.TryRemove(observer, out _);

    private unsafe void Wake()
    {
        ulong one = 1;
        Fcntl.write(_wake.Fd(), (byte*)&one, sizeof(ulong));
    }

    private unsafe void Run()
    {
        Span<long> ready = stackalloc long[32];

        // Made once: every 20 ms of a busy queue there is a look, which is to leave nothing behind.
        using IEnumerator<KeyValuePair<long, Watch>> watches = _watches.GetEnumerator();
        using IEnumerator<KeyValuePair<IPeerObserver, long>> later = _later.GetEnumerator();
        while (true)
        {
            long now = Stopwatch.GetTimestamp();
            long next = long.MaxValue;
            watches.Reset();
            while (watches.MoveNext())
            {
                (long id, Watch watch) = watches.Current;
                if (watch.NextLook <= now)
                    Look(id, watch);
                next = Math.Min(next, watch.NextLook);
            }

            later.Reset();
            while (later.MoveNext())
            {
                (IPeerObserver observer, long due) = later.Current;
                if (due > now)
                    next = Math.Min(next, due);
                else if (_later.TryUpdate(observer, Never, due))
                    observer.OnLater();
            }

            int timeout = next == long.MaxValue
                ? -1
                : (int)Math.Clamp(Math.Ceiling(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next).TotalMilliseconds), 0, 1000);
            int count = (int)Epoll.epoll_wait(_epoll.Fd(), ready, timeout).Value;
            for (int i = 0; i < count; i++)
            {
                if (ready[i] == 0)
                {
                    ulong drained;
                    Fcntl.read(_wake.Fd(), (byte*)&drained, sizeof(ulong));
                }
                else if (_watches.TryGetValue(ready[i], out Watch? watch))
                {
                    watch.Ended = true;
                    Look(ready[i], watch);
                }
            }
        }
    }

    private void Look(long id, Watch watch)
    {
        if (watch.Observer.OnPeerMayHaveDied(watch.Index, watch.Incarnation))
        {
            Remove(id);
            watch.NextLook = long.MaxValue;
        }
        else
        {
            // Ended, but its lock is still held: by a recoverer, by a child between fork and exec, or by the kernel taking its
            // memory apart. Each of them ends soon.
            // The ring may also be full of messages that nobody takes. So less and less often; yet once there is room again, what the dead one
            // held has waited long enough.
            watch.Period = watch.Ended ? Math.Clamp(watch.Period * 2, RetryPeriod, LongestRetryPeriod) : ProbePeriod;
            watch.NextLook = Stopwatch.GetTimestamp() + (watch.Period * Stopwatch.Frequency / 1000);
        }
    }

    private sealed class Watch(IPeerObserver observer, int index, long incarnation, SafeFileHandle? pidfd)
    {
        public IPeerObserver Observer { get; } = observer;

        public int Index { get; } = index;

        public long Incarnation { get; } = incarnation;

        public SafeFileHandle? Pidfd { get; } = pidfd;

        public bool Ended { get; set; }

        public int Period { get; set; }

        public long NextLook { get; set; } = long.MaxValue;
    }
}
