using System.Runtime.CompilerServices;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// A queue of messages between processes, many senders and many receivers, any length: one handle, which is one participant. Every
/// message goes to one receiver, which completes it or gives it back; one whose receiver dies is handed to another. All members are
/// thread-safe. Dispose the handle when done: what it holds is given back at once, and otherwise when its process ends.
/// </summary>
/// <remarks>See docs/protocol.md for the files and steps, docs/guarantees.md for what holds when processes die.</remarks>
public sealed partial class MessageQueue : IDisposable, IAsyncDisposable, IDoorbellOwner, IPeerObserver, IStaleness
{
    private readonly QueueDirectory _directory;
    private readonly Ring _ring;
    private readonly Participant _self;
    private readonly QueueOptions _options;
    private readonly DoorbellThread _doorbells;

    // Those that touch mapped memory.
    private readonly OperationCount _operations = new();
    private int _sleepers;
    private int _closing;
    private bool _closed;
    private Gate _leases = new();

    private MessageQueue(QueueDirectory directory, Ring ring, Participant self, QueueOptions options)
    {
        _directory = directory;
        _ring = ring;
        _self = self;
        _options = options;
        _peers = new Peer?[Cell.MaxParticipants + 1];
        _watches = new long[Cell.MaxParticipants + 1];
        _blocks = new OwnBlock[self.BlockCount];
        _arenaOrder = new(Math.Min(2 * self.BlockCount, ArenaOrderAtFirst) + 1);
        _arena = new OwnArena(self, 0);
        _moves = new OwnArena(self, self.ArenaLimit);
        _peers[self.Index] = new Peer(self);
        _doorbells = DoorbellThread.Watch(this);
    }

    /// <summary>Guards the idle leases of all peers, and the counters of what was completed.</summary>
    internal ref Gate Leases => ref _leases;

    internal bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>The queue's name.</summary>
    public string Name => _directory.Name;

    /// <summary>The directory of the queue's files.</summary>
    public string Path => _directory.Path;

    /// <summary>Which participant this handle is, 1 or more; another handle has it only after this one is closed.</summary>
    public int ParticipantIndex => _self.Index;

    /// <summary>The largest payload that needs no arena, if the message has no properties.</summary>
    public int InlineCapacity => _self.InlineCapacity;

    Participant IDoorbellOwner.Self => _self;

    /// <summary>Makes the queue, or joins it if it exists.</summary>
    /// <param name="name">1 to 200 ASCII letters, digits, '.', '-' and '_', not beginning with '.'.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="OneCopyException">The files cannot be made or opened (ENOSPC: /dev/shm is full), or all participants are taken.</exception>
    /// <exception cref="QueueCorruptException">The files are of another version or damaged.</exception>
    public static MessageQueue Open(string name, QueueOptions? options = null)
    {
        options ??= new QueueOptions();
        options.Validate();
        return Join(QueueDirectory.Of(name, options), options, create: true)!;
    }

    /// <summary>Joins a queue. False: there is none of this name.</summary>
    /// <param name="name">As for <see cref="Open"/>.</param>
    /// <param name="queue">The handle.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="OneCopyException">As for <see cref="Open"/>.</exception>
    public static bool TryOpen(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out MessageQueue? queue, QueueOptions? options = null)
    {
        options ??= new QueueOptions();
        options.Validate();
        queue = Join(QueueDirectory.Of(name, options), options, create: false);
        return queue is not null;
    }

    /// <summary>The names of the queues under a root, in order.</summary>
    /// <param name="root">Null: the default root (<see cref="QueueOptions.Root"/>).</param>
    public static IReadOnlyList<string> List(string? root = null)
    {
        string path = QueueDirectory.RootOf(root);
        if (!Directory.Exists(path))
            return [];
        return [.. Directory.EnumerateDirectories(path)
            .Where(d => File.Exists(System.IO.Path.Combine(d, "ring")))
            .Select(d => System.IO.Path.GetFileName(d))
            .Order(StringComparer.Ordinal)];
    }

    private static MessageQueue? Join(QueueDirectory directory, QueueOptions options, bool create)
    {
        long deadline = Deadline.After(TimeSpan.FromSeconds(10));
        while (true)
        {
            Ring? ring = Ring.Open(directory, options, create);
            if (ring is null)
                return null;
            Participant? self = null;
            try
            {
                self = Participant.Create(directory, ring, options);
                if (TakeEntry(directory, ring, self))
                    return Joined(directory, ring, self, options);
            }
            catch (OneCopyException e) when (e.Errno == Errno.ENOENT && Deadline.IsAhead(deadline))
            {
                // The queue was deleted between our steps; begin again.
                Leave(ring, self);
                continue;
            }
            catch
            {
                Leave(ring, self);
                throw;
            }

            Leave(ring, self);
            FinishDelete(directory);
            if (!Deadline.IsAhead(deadline))
                throw new OneCopyException($"The queue {directory.Path} is being deleted and the deletion does not end. Delete the directory.");
        }
    }

    private static MessageQueue Joined(QueueDirectory directory, Ring ring, Participant self, QueueOptions options)
    {
        options.ApplyToProcess();
        MessageQueue queue = new(directory, ring, self, options);
        LocalHandles.Add(self, queue._postings);
        PeerWatcher.Shared.ExpectLater(queue);
        try
        {
            queue.OnJoined();
            return queue;
        }
        catch
        {
            queue.Dispose();
            throw;
        }
    }

    private static void Leave(Ring ring, Participant? self)
    {
        if (self is not null)
        {
            Fcntl.unlink(self.Path);
            self.Dispose();
        }

        ring.Dispose();
    }

    /// <summary>Join: gives the file the name of a free index, then takes the index. False: the queue is being deleted.</summary>
    private static bool TakeEntry(QueueDirectory directory, Ring ring, Participant self)
    {
        long deadline = Deadline.After(TimeSpan.FromSeconds(5));
        do
        {
            for (int index = 1; index <= Cell.MaxParticipants && LivingBefore(ring, long.MaxValue) < ring.MaxParticipants; index++)
            {
                if (Volatile.Read(ref ring.Entry(index)) != 0)
                    continue;
                self.MoveTo(directory, index);
                ring.RaiseHighestIndex(index);
                CrashPoint.At(Step.JoinEntry);
                if (Interlocked.CompareExchange(ref ring.Entry(index), Entries.Live(self.Incarnation), 0) != 0)
                    continue;

                CrashPoint.At(Step.JoinCheck);
                // A full fence on both sides: either the deleter sees this entry, or we see that it is deleting. And of those who took
                // the last free place at the same time, the older incarnations keep it.
                bool deleted = Volatile.Read(ref ring.Deleted) != 0;
                if (!deleted && LivingBefore(ring, self.Incarnation) < ring.MaxParticipants)
                    return true;
                CrashPoint.At(Step.JoinLeave);
                Interlocked.Exchange(ref ring.Entry(index), 0);
                if (deleted)
                    return false;
                break;
            }

            // All taken: some may be the dead's, of whom nobody was left to take notice.
        }
        while (RecoverDeadEntries(directory, ring) && Deadline.IsAhead(deadline));

        int living = LivingBefore(ring, long.MaxValue);
        throw new OneCopyException(living >= ring.MaxParticipants
            ? $"All {ring.MaxParticipants} participants of the queue {directory.Name} are taken. Close handles, or make the queue with a larger MaxParticipants."
            : $"All {Cell.MaxParticipants} places of the queue {directory.Name} are taken, {Cell.MaxParticipants - living} of them by handles that were closed and whose " +
                "messages wait to be received. Receive them with a handle that is open already, or delete the queue.");
    }

    private static int LivingBefore(Ring ring, long incarnation)
    {
        int living = 0;
        for (int index = 1; index <= ring.HighestIndex; index++)
        {
            long entry = Volatile.Read(ref ring.Entry(index));
            if (entry != 0 && !Entries.IsDead(entry) && Entries.IncarnationOf(entry) < incarnation)
                living++;
        }

        return living;
    }

    private void OnJoined()
    {
        Enter();
        try
        {
            lock (_membershipGate)
                SyncMembership(probe: true);
            CrashPoint.At(Step.JoinLeftovers);
            RemoveLeftovers(_directory, _ring);
            CrashPoint.At(Step.JoinAttention);
            RingAttentionOfOthers();
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>
    /// Begins an operation on mapped memory; pair with <see cref="Exit()"/>. Closing waits for those under way, and wakes those that wait.
    /// </summary>
    /// <returns>This thread, for <see cref="Exit(nint)"/> in the same thread.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private nint Enter()
    {
        nint thread = CurrentThread.Id;
        if (!_operations.TryEnter(thread))
            throw Closed();
        if (IsBroken)
            throw ExitedBroken(thread);
        return thread;
    }

    private QueueCorruptException ExitedBroken(nint thread)
    {
        Exit(thread);
        return Broken();
    }

    private ObjectDisposedException Closed() => new(nameof(MessageQueue), $"The handle of queue {Name} is closed.");

    private bool TryEnter() => _operations.TryEnter();

    internal bool TryEnter(out nint thread)
    {
        thread = CurrentThread.Id;
        return _operations.TryEnter(thread);
    }

    private void Exit() => Exit(CurrentThread.Id);

    internal void Exit(nint thread)
    {
        _operations.Exit(thread);
        if (_graveyard.Count > 0)
            Bury();
    }

    /// <summary>An operation that sleeps looks at no peer until it is awake, and then only at those that are there.</summary>
    private void CountSleeper(int by)
    {
        lock (_graveyard)
            _sleepers += by;
        if (by > 0 && _graveyard.Count > 0)
            Bury();
    }
}
