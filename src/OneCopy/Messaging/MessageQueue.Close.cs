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
        CrashPoint.At(Step.CloseBegin);
        CloseDeadLetters();
        if (!_operations.Close())
            WaitForOperations();
        _doorbells.Forget(this);
        lock (_membershipGate)
        {
            for (int index = 1; index <= _ring.HighestIndex; index++)
                StopWatching(index);
        }

        PeerWatcher.Shared.ForgetLater(this);
        _staging.Dispose();
        LocalHandles.Remove(_self);
        LeaveTable();

        // Memory of messages and buffers that are still held stays mapped until they are let go.
        lock (_graveyard)
        {
            foreach (Peer peer in _peers.OfType<Peer>().Concat(_graveyard))
            {
                peer.CloseFiles();
                peer.LeaveOrRelease(this);
            }

            _graveyard.Clear();
            _isBuried = true;
        }

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
            // Unreadable by this version: nobody of this version has it open.
            if (!Directory.Exists(directory.Path))
                return false;
            RemoveEverything(directory);
            return true;
        }

        if (ring is null)
            return false;
        using (ring)
        {
            if (!IsStillTheRing(directory, ring))
                return Delete(name, root); // Somebody else deleted it, and it was made anew.
            CrashPoint.At(Step.DeleteMark);
            Interlocked.Exchange(ref ring.Deleted, 1);
            int[] users = RemoveUnlessUsed(directory, ring);
            return users.Length == 0 ? true : throw new OneCopyException(
                $"The queue {name} is open in process {string.Join(", ", users.Distinct())}. Close it there, or end the process, then delete it.");
        }
    }

    /// <summary>A joiner found the queue marked as deleted: if its deleter died on the way, ends it for it, one way or the other.</summary>
    private static void FinishDelete(QueueDirectory directory)
    {
        if (Ring.Open(directory, new QueueOptions(), create: false) is not { } ring)
            return;
        using (ring)
        {
            if (IsStillTheRing(directory, ring) && Volatile.Read(ref ring.Deleted) != 0)
                RemoveUnlessUsed(directory, ring);
        }
    }

    /// <summary>
    /// Takes the lock on the ring, by which deleters take turns and which is free again if one dies; whoever waited for it may find
    /// that the file is no longer the queue's.
    /// </summary>
    private static bool IsStillTheRing(QueueDirectory directory, Ring ring)
    {
        Flock.LockWithin(ring.File.Fd(), TimeSpan.FromSeconds(10))
            .OrThrow("flock", directory.RingPath, "Another process holds the lock on the ring, which is held for moments only: end it (/proc/locks names it).");
        Stat.Of(ring.File.Fd(), out statx mine).OrThrow("statx", directory.RingPath);
        return Stat.Of(directory.RingPath, out statx named, followLinks: false).Succeeded
            && (mine.stx_ino, mine.stx_dev_major, mine.stx_dev_minor) == (named.stx_ino, named.stx_dev_major, named.stx_dev_minor);
    }

    /// <summary>Under the lock, with the ring marked as deleted. Returns the processes that use it; then it is not deleted.</summary>
    private static int[] RemoveUnlessUsed(QueueDirectory directory, Ring ring)
    {
        CrashPoint.At(Step.DeleteCheck);
        int[] users = LivingPids(directory, ring);
        if (users.Length > 0)
            Interlocked.Exchange(ref ring.Deleted, 0);
        else
            RemoveFiles(directory);
        return users;
    }

    private static int[] LivingPids(QueueDirectory directory, Ring ring)
    {
        using Roster roster = new(directory, ring);
        List<int> pids = [];
        for (int index = 1; index <= ring.HighestIndex; index++)
        {
            long entry = Volatile.Read(ref ring.Entry(index));
            if (entry == 0 || Entries.IsDead(entry))
                continue;
            SafeFileHandle? proof = null;
            try
            {
                if (roster.At(index) is { } participant && participant.Probe(out proof) == Participant.Life.Alive)
                    pids.Add(participant.Pid);
            }
            catch (QueueCorruptException)
            {
                // Its number cannot be read; whether it lives can be told all the same.
                if (Participant.ProbeByName(directory, index, Entries.IncarnationOf(entry), out proof) == Participant.Life.Alive)
                    pids.Add(0);
            }

            proof?.Dispose();
        }

        return [.. pids];
    }

    private static void RemoveEverything(QueueDirectory directory)
    {
        try
        {
            Directory.Delete(directory.Path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody else was faster.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OneCopyException($"{directory.Path} cannot be removed: {e.Message} Somebody may be using it; delete it again.", e);
        }
    }

    // The ring last but for the directory: a queue without a ring is none.
    private static void RemoveFiles(QueueDirectory directory)
    {
        CrashPoint.At(Step.DeleteFiles);
        foreach (string file in FilesOf(directory))
        {
            if (!string.Equals(file, directory.RingPath, StringComparison.Ordinal))
                Fcntl.unlink(file);
        }

        CrashPoint.At(Step.DeleteRing);
        Fcntl.unlink(directory.RingPath);
        CrashPoint.At(Step.DeleteDirectory);
        Fcntl.rmdir(directory.Path);
    }

    private void WaitForOperations()
    {
        do
        {
            // Sleepers look up and see that the handle is closing.
            _self.RingAll();
            ReleaseAwaiters();
            FailAttached(new ObjectDisposedException(nameof(MessageQueue), $"The handle of queue {Name} was closed before the message was completed; it was taken back."));
        }
        while (!_operations.WaitForLast(TimeSpan.FromMilliseconds(5)));
    }

    /// <summary>Messages that this handle holds, in every file.</summary>
    private void GiveBackLeases()
    {
        for (int index = 1; index <= _ring.HighestIndex; index++)
        {
            if (OwnerOf(new MessageReference(index, 0, 0), out _) is not { } owner)
                continue; // There is none, or it is damaged, and holds nothing that could be given back.
            for (int block = 0; block < owner.File.BlockCount; block++)
            {
                BlockState s = owner.File.State(block);
                if (s.Phase != Phase.Leased || s.Actor != _self.Index)
                    continue;
                BlockState queued = s.ToRequeued(_self.Index, countAttempt: false);
                if (owner.File.TryChange(block, s, queued))
                    EnqueueOrPutOff(new MessageReference(index, block, queued.Generation & Cell.GenerationMask));
            }
        }
    }

    /// <summary>
    /// Leaves as if recovered: nothing names this participant any more but messages that wait in the queue. If that cannot be done
    /// now (the ring is full, a file cannot be mapped), the lock goes all the same, and the others recover what is left.
    /// </summary>
    private void LeaveTable()
    {
        using SafeFileHandle held = _self.TakeOwnLock();
        bool left = false;
        try
        {
            CrashPoint.At(Step.CloseLeases);
            GiveBackLeases();
            left = TryEnqueuePutOff();
        }
        catch (OneCopyException)
        {
            // A peer's file cannot be mapped now.
        }

        CrashPoint.At(Step.CloseBlocks);
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
            CrashPoint.At(Step.CloseClosed);
            Volatile.Write(ref _self.Closed, 1);
            CrashPoint.At(Step.CloseUnlock);
            Flock.flock(held.Fd(), Flock.LOCK_UN);
            RingAttentionOfOthers();
        }
    }

    private void CloseDeadLetters()
    {
        lock (_deadLetterGate)
        {
            // From here on none is opened: those who wait in it look up, and find this handle closing.
            _deadLetters?.Dispose();
        }
    }
}
