using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>Looking at messages: the ring says the order, the blocks say what they are.</summary>
public sealed unsafe partial class QueueInspection
{
    // A block that changes again and again under our eyes is busy, and its message not one that waits.
    private const int Looks = 4;

    /// <summary>What to look for in the blocks.</summary>
    internal delegate bool Wanted(long incarnation, long sequence, Phase phase);

    /// <summary>
    /// The messages in the queue: first those that wait, the next to be handed out first, as far as that can be told while others
    /// go on; then those that receivers hold, the oldest first. They stay where they are.
    /// </summary>
    /// <param name="payloadBytes">How many bytes of each payload to copy, from its beginning. Those of attached messages are read out of their senders' memory where that is allowed.</param>
    /// <param name="most">Look at no more messages than this.</param>
    /// <exception cref="ObjectDisposedException">The look is over.</exception>
    public IReadOnlyList<InspectedMessage> Messages(int payloadBytes = 0, int most = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(most);
        lock (_gate)
        {
            ThrowIfDisposed();
            return Waiting(Refresh(), payloadBytes, most);
        }
    }

    /// <summary>Messages by their blocks, done ones too as far as their records are still there; in no order.</summary>
    internal List<InspectedMessage> Records(int payloadBytes, Wanted wanted)
    {
        lock (_gate)
        {
            ThrowIfDisposed();
            List<InspectedMessage> found = [];
            foreach (Peer sender in Refresh())
            {
                for (int block = 0; block < sender.File.BlockCount; block++)
                {
                    if (TryLook(sender, block, payloadBytes, wanted) is { } message)
                        found.Add(message);
                }
            }

            return found;
        }
    }

    private List<InspectedMessage> Waiting(List<Peer> senders, int payloadBytes, int most)
    {
        Dictionary<int, Peer> byIndex = senders.ToDictionary(p => p.Index);
        HashSet<(int, int)> seen = [];
        List<InspectedMessage> found = [];
        foreach (MessageReference reference in _ring.References())
        {
            if (found.Count >= most)
                return found;
            if (!byIndex.TryGetValue(reference.Participant, out Peer? sender) || !sender.File.HasQueued(reference) || seen.Contains((sender.Index, reference.Block)))
                continue;
            if (TryLook(sender, reference.Block, payloadBytes, static (_, _, phase) => phase == Phase.Queued) is not { State: MessageState.Waiting } message)
                continue;
            seen.Add((sender.Index, reference.Block));
            found.Add(message);
        }

        // Not in the ring: given back while it was full, or just being put there. And those that are held.
        List<InspectedMessage> others = [];
        foreach (Peer sender in senders)
        {
            for (int block = 0; block < sender.File.BlockCount; block++)
            {
                if (!seen.Contains((sender.Index, block))
                    && TryLook(sender, block, payloadBytes, static (_, _, phase) => phase is Phase.Queued or Phase.Leased) is { State: not MessageState.Done } message)
                    others.Add(message);
            }
        }

        return [.. found, .. others.OrderBy(m => m.State).ThenBy(m => m.TimeSent).Take(most - found.Count)];
    }

    /// <summary>
    /// Copies a message out of its block. The state is read before and after: the same generation, and still a message, means that what was read in
    /// between is that message's. Null: it is not wanted, impossible, or changes all the time.
    /// </summary>
    private InspectedMessage? TryLook(Peer sender, int block, int payloadBytes, Wanted wanted)
    {
        Participant file = sender.File;
        for (int look = 0; look < Looks; look++)
        {
            // Acquires: the record is read after the state that published it.
            BlockState before = file.State(block);
            long sequence = *(long*)(file.Block(block) + BlockLayout.SequenceOffset);
            if (before.Phase is not (Phase.Queued or Phase.Leased or Phase.Done) || !wanted(file.Incarnation, sequence, before.Phase))
                return null;
            bool possible = MessageRecord.TryRead(file, block, out MessageRecord record);
            MessageProperties? properties = possible ? TryReadProperties(file, block, record) : null;
            byte[]? payload = null;
            string? notRead = null;
            if (possible && payloadBytes > 0 && before.Phase != Phase.Done)
                payload = TryReadPayload(sender, block, record, payloadBytes, out notRead);

            // The reads above stay before the one below.
            Interlocked.MemoryBarrier();
            BlockState after = file.State(block);
            if (after.Generation != before.Generation || after.Phase is not (Phase.Queued or Phase.Leased or Phase.Done))
                continue;
            if (!possible)
                return null;
            if (after.Phase == Phase.Done)
            {
                // The owner may have given its arena's bytes to the next message already; what is in the block is still this one's.
                payload = record.Lane == Lane.Inline && payloadBytes > 0 ? TryReadPayload(sender, block, record, payloadBytes, out notRead) : null;
                Interlocked.MemoryBarrier();
                if (file.State(block) != after)
                    continue;
                properties = record.PropertiesLength == 0 || record.HasInlineProperties ? properties : null;
                notRead = payload is null && payloadBytes > 0 ? "it is done, and its payload gone" : null;
            }

            return Describe(sender, block, record, after, properties, payload, notRead);
        }

        return null;
    }

    private InspectedMessage Describe(
        Peer sender, int block, MessageRecord record, BlockState state, MessageProperties? properties, byte[]? payload, string? notRead) => new()
    {
        Id = $"{sender.Incarnation}-{record.Sequence}",
        State = state.Phase switch
        {
            Phase.Queued => MessageState.Waiting,
            Phase.Leased => MessageState.Held,
            _ => MessageState.Done,
        },
        SenderIndex = sender.Index,
        SenderPid = sender.File.Pid,
        SenderUid = (int)sender.File.FileUid,
        SequenceNumber = (long)record.Sequence,
        Length = record.Length,
        Lane = record.Lane,
        TimeSent = Lease.TimeOf(record.TimeSent),
        Expires = record.Expires == 0 ? null : Lease.TimeOf(record.Expires),
        Attempts = state.Attempts + (state.Phase == Phase.Queued ? 0 : 1),
        HolderPid = state.Phase == Phase.Leased && _peers.TryGetValue(state.Actor, out Peer? holder) ? holder.File.Pid : null,
        Properties = properties,
        Payload = payload ?? [],
        PayloadNotRead = notRead,
        Incarnation = sender.Incarnation,
        Block = block,
        Generation = state.Generation,
    };

    private static MessageProperties? TryReadProperties(Participant file, int block, in MessageRecord record)
    {
        // A copy first: what is checked must be what is used.
        byte[] copy = new byte[record.PropertiesLength];
        if (copy.Length > 0)
            new ReadOnlySpan<byte>(record.HasInlineProperties ? file.Block(block) + record.PropertiesOffset : file.Arena(record.PropertiesOffset), copy.Length).CopyTo(copy);
        return MessageProperties.TryDecode(copy, out MessageProperties properties) ? properties : null;
    }
}
