using System.Collections.Concurrent;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>
/// Waits until descriptors are ready: one thread in epoll_wait(2) for all of the process, started by the first wait. A thread of the pool that slept in
/// poll(2) for each would be one too few for everybody else.
/// </summary>
internal sealed class Readiness
{
    private static readonly Lazy<Readiness> s_instance = new(() => new Readiness());

    private readonly int _epoll = (int)Epoll.epoll_create1().OrThrow("epoll_create1"); // Stays as long as the process.
    private readonly ConcurrentDictionary<long, Wait> _waits = new();
    private long _lastId;

    private Readiness() => new Thread(Run) { IsBackground = true, Name = "OneCopy readiness" }.Start();

    /// <summary>True once the descriptor can be read from or written to (or has failed, which the next call says); false at once if epoll does not take it: a
    /// regular file.</summary>
    public static Task<bool> WaitAsync(int fd, TransferDirection direction, CancellationToken cancellation) =>
        s_instance.Value.Add(fd, direction, cancellation);

    /// <summary>
    /// epoll knows a descriptor once: a reader and a writer of one socket are two numbers of it, made for the wait and closed after it.
    /// </summary>
    private Task<bool> Add(int fd, TransferDirection direction, CancellationToken cancellation)
    {
        int own = (int)Descriptor.Duplicate(fd).OrThrow("fcntl(F_DUPFD_CLOEXEC)", DescriptorName.Of(fd));
        long id = Interlocked.Increment(ref _lastId);
        Wait wait = new(own);
        _waits[id] = wait;
        uint events = Epoll.EPOLLONESHOT | (direction == TransferDirection.Read ? Epoll.EPOLLIN : Epoll.EPOLLOUT);
        SysResult added = Epoll.epoll_ctl(_epoll, Epoll.EPOLL_CTL_ADD, own, events, id);
        if (!added.Succeeded)
        {
            _waits.TryRemove(id, out _);
            Descriptor.close(own);
            if (added.Errno == Errno.EPERM)
                return Task.FromResult(false);
            added.OrThrow("epoll_ctl", DescriptorName.Of(fd));
        }

        // Registered after it was added: a token that is cancelled already finds it.
        CancellationTokenRegistration registration = cancellation.UnsafeRegister(
            (_, token) =>
            {
                if (Remove(id) is Wait cancelled)
                    cancelled.TrySetCanceled(token);
            },
            null);
        return registration == default ? wait.Task : Unregistered(wait.Task, registration);
    }

    private static async Task<bool> Unregistered(Task<bool> task, CancellationTokenRegistration registration)
    {
        await using (registration.ConfigureAwait(false))
            return await task.ConfigureAwait(false);
    }

    private void Run()
    {
        Span<long> ready = stackalloc long[64];
        while (true)
        {
            int count = (int)Epoll.epoll_wait(_epoll, ready, -1).Value; // -1 with EINTR: none.
            for (int i = 0; i < count; i++)
                Remove(ready[i])?.TrySetResult(true);
        }
    }

    /// <summary>Whoever takes it out of the table closes its descriptor and completes it: the thread or the canceller.</summary>
    private Wait? Remove(long id)
    {
        if (!_waits.TryRemove(id, out Wait? wait))
            return null;
        Epoll.epoll_ctl(_epoll, Epoll.EPOLL_CTL_DEL, wait.Descriptor, 0, 0);
        Descriptor.close(wait.Descriptor);
        return wait;
    }

    private sealed class Wait(int descriptor) : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public int Descriptor { get; } = descriptor;
    }
}
