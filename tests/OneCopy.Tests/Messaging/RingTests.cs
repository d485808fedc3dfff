using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Head and tail that follow late: what is said of a ring is said of its cells. And the layout: what different processes write lies in different cache lines.</summary>
public sealed class RingTests : IDisposable
{
    private const int Line = 64;
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void A_ring_is_full_by_its_cells_and_not_by_a_head_that_is_behind()
    {
        using MessageQueue queue = Open();
        using Ring ring = queue.OpenRing();
        Fill(ring, 64);
        Assert.True(ring.LooksFull);
        Assert.True(ring.TryPeek(out Ring.Peeked first));
        TakeOut(ring, first.Position, 10);
        Assert.False(ring.LooksFull);

        // Ten more are there than lie between the head and the place that the head has in the next lap.
        Fill(ring, 10);
        Assert.True(ring.LooksFull);
        Assert.Equal(64, ring.References().Count);
        Assert.Equal(Enumerable.Range(10, 54).Concat(Enumerable.Range(0, 10)), ring.References().Select(r => r.Block));
    }

    [Fact]
    public unsafe void A_head_or_a_tail_that_was_helped_a_part_of_the_way_goes_the_rest()
    {
        using MessageQueue queue = Open();
        using Ring ring = queue.OpenRing();
        ulong tail = ring.TailPosition;
        for (int i = 0; i < 5; i++)
            Assert.True(ring.TryPutAt(tail + (uint)i, ring.PlaceAt(tail + (uint)i), new MessageReference(1, i, 1)));
        ring.Tail = tail + 2;
        ring.AdvanceTail(tail, 5);
        Assert.Equal(tail + 5, ring.Tail);
        Assert.True(ring.TryPeek(out Ring.Peeked first));
        TakeOut(ring, first.Position, 5);
        ring.Head = first.Position + 3;
        ring.AdvanceHead(first.Position + 5);
        Assert.Equal(first.Position + 5, ring.Head);
        ring.AdvanceHead(first.Position + 4); // Not back.
        Assert.Equal(first.Position + 5, ring.Head);
        Assert.True(ring.LooksEmpty);
    }

    [Fact]
    public void A_tail_that_is_a_whole_batch_behind_is_no_disorder_and_one_more_is()
    {
        using MessageQueue queue = Open();
        using Ring ring = queue.OpenRing();
        Fill(ring, 64);
        Assert.True(ring.TryPeek(out Ring.Peeked first));
        TakeOut(ring, first.Position, 64);
        ring.AdvanceHead(first.Position + 64);
        ring.Tail -= Ring.MaxLag;
        Assert.False(ring.TryPeek(out _));
        Assert.True(ring.LooksEmpty);
        ring.ThrowIfInDisorder();
        ring.Tail--;
        Assert.Throws<QueueCorruptException>(ring.ThrowIfInDisorder);
    }

    [Fact]
    public void A_reference_that_is_left_is_removed_at_the_next_look_at_the_head()
    {
        using MessageQueue queue = Open();
        using Ring ring = queue.OpenRing();
        Fill(ring, 3);
        Assert.True(ring.TryPeek(out Ring.Peeked first));
        ulong head = ring.Head;
        ring.RemoveLater(first);
        Assert.Equal((head, 3), (ring.Head, ring.References().Count));
        Assert.True(ring.TryPeek(out Ring.Peeked second));
        Assert.Equal((head + 1, head + 1, 1, 2), (ring.Head, second.Position, second.Cell.Block, ring.References().Count));
    }

    [Fact]
    public void A_reference_that_was_left_and_that_another_has_removed_is_not_touched_and_those_after_it_are_removed_at_once()
    {
        using MessageQueue queue = Open();
        using Ring ring = queue.OpenRing(), other = queue.OpenRing();
        Fill(ring, 64);
        Assert.True(ring.TryPeek(out Ring.Peeked first));
        ring.RemoveLater(first);
        Assert.True(other.TryPeek(out Ring.Peeked same));
        Assert.Equal((first.Position, first.Cell), (same.Position, same.Cell));
        other.Remove(same);

        // Its place is another message's by now, a lap further on.
        Fill(ring, 1);
        Assert.True(ring.TryPeek(out Ring.Peeked second));
        Assert.Equal((first.Position + 1, 64), (second.Position, ring.References().Count));
        ring.RemoveLater(second);
        Assert.Equal((first.Position + 2, 63), (ring.Head, ring.References().Count));
    }

    [Fact]
    public void The_head_follows_single_removals_every_so_often_and_whenever_there_is_nothing_further_on()
    {
        using MessageQueue queue = Open();
        using Ring ring = queue.OpenRing();
        Fill(ring, 40);
        ulong begin = ring.Head;
        Take(ring, begin, 15);
        Assert.Equal(begin, ring.Head);
        Take(ring, begin + 15, 1);
        Assert.Equal(begin + 16, ring.Head);
        Take(ring, begin + 16, 3);
        Assert.Equal((begin + 16, 21), (ring.Head, ring.References().Count));

        // One look that is not of a single receive, and one in vain.
        Assert.True(ring.TryPeek(out Ring.Peeked next));
        Assert.Equal((begin + 19, begin + 19), (next.Position, ring.Head));
        Take(ring, begin + 19, 21);
        Assert.False(ring.TryPeekAtOnce(out _));
        Assert.Equal(begin + 40, ring.Head);
        Assert.True(ring.LooksEmpty);
    }

    [Fact]
    public void Others_go_on_where_a_head_is_behind_and_who_let_it_be_behind_goes_on_after_them()
    {
        using MessageQueue queue = Open();
        using Ring ring = queue.OpenRing(), other = queue.OpenRing();
        Fill(ring, 40);
        ulong begin = ring.Head;
        Take(ring, begin, 5);
        Assert.True(other.TryPeek(out Ring.Peeked theirs));
        Assert.Equal((begin + 5, begin + 5), (theirs.Position, ring.Head));
        Take(other, begin + 5, 7);
        Assert.Equal(begin + 5, ring.Head);
        Assert.True(ring.TryPeek(out Ring.Peeked mine));
        Assert.Equal((begin + 12, 12), (mine.Position, mine.Cell.Block));

        // Once it has met another one, each is followed at once.
        ring.RemoveLater(mine);
        other.Remove(mine);
        Assert.True(ring.TryPeekAtOnce(out mine));
        ring.RemoveInTurn(mine);
        Assert.Equal((begin + 14, begin + 14), (mine.Position + 1, ring.Head));
    }

    [Fact]
    public void Each_position_of_a_lap_has_a_place_of_its_own_and_neighbours_lie_in_different_lines()
    {
        for (int capacity = RingLayout.MinCapacity; capacity <= 1 << 16; capacity *= 2)
        {
            int[] places = [.. Enumerable.Range(0, capacity).Select(p => (int)Ring.PlaceOf((nuint)p))];
            Assert.Equal(Enumerable.Range(0, capacity), places.Order());
            for (int p = 0; p < capacity; p++)
                Assert.NotEqual(places[p] * 8 / Line, places[(p + 1) % capacity] * 8 / Line);
        }

        Assert.Equal(0, RingLayout.CellsOffset % Line);
    }

    [Fact]
    public void Words_that_different_processes_write_lie_in_different_lines()
    {
        Apart(RingLayout.HeadOffset, RingLayout.TailOffset, RingLayout.NextIncarnationOffset, RingLayout.RetiredCountersOffset, RingLayout.ReceiveSleepersOffset, RingLayout.SpaceSleepersOffset, RingLayout.EntriesOffset, 0);
        int bitmap = (Cell.MaxParticipants + 1) / 8;
        Assert.True(RingLayout.ReceiveSleepersOffset + bitmap <= RingLayout.SpaceSleepersOffset && RingLayout.SpaceSleepersOffset + bitmap <= RingLayout.EntriesOffset);
        Assert.True(RingLayout.RetiredCountersOffset + ((int)Counter.Count * 8) <= RingLayout.ReceiveSleepersOffset);

        Apart(ParticipantLayout.ReceiveDoorbellOffset, ParticipantLayout.SpaceDoorbellOffset, ParticipantLayout.OwnDoorbellOffset, ParticipantLayout.AttentionDoorbellOffset, ParticipantLayout.PostedOffset, ParticipantLayout.CountersOffset, ParticipantLayout.RefusalsOffset, ParticipantLayout.PostingsOffset, ParticipantLayout.BlocksOffset, 0);
        Assert.True(ParticipantLayout.CountersOffset + ((int)Counter.Count * 8) <= ParticipantLayout.RefusalsOffset);
        Apart(PostingLayout.TagOffset, PostingLayout.CursorOffset, PostingLayout.MarksOffset, PostingLayout.SlotSize);
        Assert.True(PostingLayout.IsForBothOffset + 4 <= PostingLayout.CursorOffset && PostingLayout.MarksOffset + (PostingLayout.MaxPieces * 2) <= PostingLayout.SlotSize);

        // A block's state and record are one line, and its payload begins with the next; the next block's state is in neither.
        Assert.Equal(0, ParticipantLayout.BlocksOffset % Line);
        Assert.Equal(0, BlockLayout.MinBlockSize % Line);
        Assert.Equal((0, Line), (BlockLayout.StateOffset, BlockLayout.InlineOffset));
        Assert.True(BlockLayout.ExpiresOffset + 8 <= Line && BlockLayout.MinBlockSize > Line);
        Assert.Equal(0, ParticipantLayout.MovesOffset(3, BlockLayout.MinBlockSize) % Line);
    }

    private static void Apart(params int[] offsets) => Assert.Equal(offsets.Length, offsets.Select(o => o / Line).Distinct().Count());

    private static unsafe void TakeOut(Ring ring, ulong position, int count)
    {
        for (int i = 0; i < count; i++)
        {
            ulong* place = ring.PlaceAt(position + (uint)i);
            Assert.True(ring.TryLookAt(position + (uint)i, place, out Cell cell));
            Ring.TakeOut(place, cell);
        }
    }

    private static void Take(Ring ring, ulong from, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.True(ring.TryPeekAtOnce(out Ring.Peeked oldest));
            Assert.Equal(from + (uint)i, oldest.Position);
            ring.RemoveInTurn(oldest);
        }
    }

    private static void Fill(Ring ring, int count)
    {
        for (int i = 0; i < count; i++)
            Assert.True(ring.TryEnqueue(new MessageReference(1, i, 1), new NeverStale()));
    }

    private MessageQueue Open() => MessageQueue.Open("q", new QueueOptions { Root = _root.Path, RingCapacity = 64, Blocks = 4, ArenaLimit = 1 << 20 });

    private sealed class NeverStale : IStaleness
    {
        public bool IsStale(MessageReference reference) => false;
    }
}
