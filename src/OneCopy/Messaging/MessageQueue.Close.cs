using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Closing a handle and deleting a queue.</summary>
public sealed partial class MessageQueue
{
    /// <summary>
    /// Closes the handle: waits end with <see cref="ObjectDisposedException"/>, attached messages not completed are taken back, messages held are given back
    /// without counting an attempt. What was sent by copy stays in the queue. Never throws; may be called twice.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closing, 1) != 0)
            return;
        Volatile.Write(ref _closed, true);
        if (Interlocked.Add(ref _operations, Closed) != Closed)
            WaitForOperations();
        _doorbells.Forget(this);
        lock (_membershipGate)
        {
            for (int index = 1; index <= _ring.MaxParticipants; index++)
                StopWatching(index);
        }

        bool held = AnyRented();
        try
        {
            held |= GiveBackLeases();
            LeaveTable();
        }
        catch (OneCopyException)
        {
            // A peer's file cannot be mapped now. The lock goes all the same, and the others do the rest.
        }

        _deadLetters?.Dispose();

        // Spans of messages and buffers that are still held would be pulled from under their users: then the memory stays mapped.
        if (held)
            return;
        foreach (Peer? peer in _peers)
            peer?.Dispose();
        foreach (Peer peer in _graveyard)
            peer.Dispose();
        _ring.Dispose();
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync() => new(Task.Run(Dispose));

    /// <summary>Removes a queue with all its messages. False: there is none of this name.</summary>
    /// <param name="name">As for <see cref="Open"/>.</param>
    /// <param name="root">Null: the default root.</param>
    /// <exception cref="OneCopyException">Processes have it open; they are named.</exception>
    public static bool Delete(string name, string? root = null)
    {
        QueueDirectory directory = QueueDirectory.Of(name, new QueueOptions { Root = root });
        Ring? ring;
        try
        {
            ring = Ring.Open(directory, new QueueOptions(), create: false);
        }
        catch (QueueCorruptException)
        {
            ring = null; // Unreadable by this version: nobody of this version has it open.
            if (!Directory.Exists(directory.Path))
                return false;
            Directory.Delete(directory.Path, recursive: true);
            return true;
        }

        if (ring is null)
            return false;
        using (ring)
        {
            // The lock on the ring makes deleters take turns, and is free again if one dies.
            Flock.flock(ring.File.Fd(), Flock.LOCK_EX).OrThrow("flock", directory.RingPath);
            Interlocked.Exchange(ref ring.Deleted, 1);
            int[] users = LivingPids(directory, ring);
            if (users.Length > 0)
            {
                Interlocked.Exchange(ref ring.Deleted, 0);
                throw new OneCopyException(
                    $"The queue {name} is open in process {string.Join(", ", users.Distinct())}. Close it there, or end the process, then delete it.");
            }

            RemoveFiles(directory);
        }

        return true;
    }

    /// <summary>A joiner found the queue marked as deleted: if its deleter died on the way, does it for it.</summary>
    private static void FinishDelete(QueueDirectory directory, Ring? ring)
    {
        ring = Ring.Open(directory, new QueueOptions(), create: false);
        if (ring is null)
            return;
        using (ring)
        {
            Flock.flock(ring.File.Fd(), Flock.LOCK_EX).OrThrow("flock", directory.RingPath);
            if (Volatile.Read(ref ring.Deleted) != 0)
                RemoveFiles(directory);
        }
    }

    private static int[] LivingPids(QueueDirectory directory, Ring ring)
    {
        using Roster roster = new(directory, ring);
        List<int> pids = [];
        for (int index = 1; index <= ring.MaxParticipants; index++)
        {
            if (Entries.IsDead(Volatile.Read(ref ring.Entry(index))) || roster.At(index) is not { } participant)
                continue;
            if (participant.Probe(out SafeFileHandle? proof) == Participant.Life.Alive)
                pids.Add(participant.Pid);
            proof?.Dispose();
        }

        return [.. pids];
    }

    // The ring last but for the directory: a queue without a ring is none.
    private static void RemoveFiles(QueueDirectory directory)
    {
        foreach (string file in Directory.EnumerateFiles(directory.Path))
        {
            if (!string.Equals(file, directory.RingPath, StringComparison.Ordinal))
                Fcntl.unlink(file);
        }

        Fcntl.unlink(directory.RingPath);
        Fcntl.rmdir(directory.Path);
    }

    private void WaitForOperations()
    {
        do
        {
            // Sleepers look up and see that the handle is closing.
            _self.RingAll();
            ReleaseAwaiters();
            lock (_attached)
            {
                foreach (AttachedSend waiting in _attached)
                    waiting.Fail(new ObjectDisposedException(nameof(MessageQueue), $"The handle of queue {Name} was closed before the message was completed; it was taken back."));
            }
        }
        while (!_drained.Wait(TimeSpan.FromMilliseconds(5)));
    }

    /// <summary>Messages that this handle holds, in every file. True: there were some.</summary>
    private bool GiveBackLeases()
    {
        bool any = false;
        for (int index = 1; index <= _ring.MaxParticipants; index++)
        {
            if (PeerAt(index) is not { } owner)
                continue;
            for (int block = 0; block < owner.File.BlockCount; block++)
            {
                BlockState s = owner.File.State(block);
                if (s.Phase != Phase.Leased || s.Actor != _self.Index)
                    continue;
                any = true;
                BlockState queued = s.ToRequeued(_self.Index, countAttempt: false);
                if (owner.File.TryChange(block, s, queued))
                    EnqueueOrPutOff(new MessageReference(index, block, queued.Generation & Cell.GenerationMask));
            }
        }

        return any;
    }

    private bool AnyRented()
    {
        for (int block = 0; block < _blocks.Length; block++)
        {
            if (_self.State(block).Phase == Phase.Filling)
                return true;
        }

        return false;
    }

    /// <summary>
    /// Leaves as if recovered: nothing names this participant any more but messages that wait in the queue. If the ring is full and
    /// references are put off, the entry stays alive and the lock goes, and the others recover what is left.
    /// </summary>
    private void LeaveTable()
    {
        bool left = false;
        lock (_putOff)
        {
            while (_putOff.TryPeek(out MessageReference reference) && TryEnqueue(reference))
                _putOff.Dequeue();
            left = _putOff.Count == 0;
        }

        using SafeFileHandle held = _self.TakeOwnLock();
        for (int block = 0; left && block < _blocks.Length; block++)
        {
            BlockState s = _self.State(block);
            if (s.Phase == Phase.Filling)
                _self.TryChange(block, s, s.To(Phase.Free, _self.Index));
        }

        if (left)
        {
            Recovery recovery = NewRecovery();
            recovery.MarkDead(_self);
            recovery.TryRetire(_self);
        }
        else
        {
            Volatile.Write(ref _self.Closed, 1);
            Flock.flock(held.Fd(), Flock.LOCK_UN);
            RingAttentionOfOthers();
        }
    }
}
