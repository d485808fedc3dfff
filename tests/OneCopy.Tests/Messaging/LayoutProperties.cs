using FsCheck;
using FsCheck.Fluent;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>For all values: words keep what was put into them, the arena never hands out a byte twice, properties come back.</summary>
public sealed class LayoutProperties
{
    [Fact]
    public void A_cell_keeps_its_parts() => Prop.ForAll<(uint, ushort, uint, ushort)>(parts =>
    {
        (uint lap, ushort participant, uint generation, ushort block) = parts;
        MessageReference reference = new(1 + (participant % Cell.MaxParticipants), block, generation & Cell.GenerationMask);
        Cell cell = Cell.Of(lap & Cell.LapMask, reference);
        return cell.Reference == reference && cell.Lap == (lap & Cell.LapMask) && !cell.IsEmpty && Cell.Empty(lap).IsEmpty
            && Cell.Empty(lap).Lap == (lap & Cell.LapMask);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_state_keeps_its_parts() => Prop.ForAll<(uint, byte, ushort, ushort)>(parts =>
    {
        (uint generation, byte phase, ushort actor, ushort attempts) = parts;
        BlockState state = new(generation, (Phase)(phase % 5), actor & 0xfff, attempts);
        BlockState again = state.ToRequeued(actor & 0xfff, countAttempt: true);
        return (state.Generation, (int)state.Phase, state.Actor, state.Attempts) == (generation, phase % 5, actor & 0xfff, attempts)
            && again.Phase == Phase.Queued && again.Attempts == Math.Min(attempts + 1, ushort.MaxValue)
            && again.IsQueuedAs(generation & Cell.GenerationMask) && !state.To(Phase.Leased, 1).IsQueuedAs(generation & Cell.GenerationMask);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_arena_never_hands_out_a_byte_twice_and_gets_everything_back()
    {
        Gen<int> size = Gen.OneOf(Gen.Choose(1, 5_000), Gen.Choose(5_001, 70_000), Gen.Choose(70_001, 3_000_000));
        Gen<(int Size, int Free)> step = from s in size from f in Gen.Choose(0, 2) select (s, f);
        Prop.ForAll(step.ListOf(300).ToArbitrary(), steps =>
        {
            ArenaAllocator arena = new(16 << 20);
            List<(long Offset, int Size)> taken = [];
            foreach ((int wanted, int free) in steps)
            {
                if (free == 0 && taken.Count > 0)
                {
                    int i = wanted % taken.Count;
                    arena.Free(taken[i].Offset, taken[i].Size);
                    taken.RemoveAt(i);
                }
                else if (arena.TryAllocate(wanted, out long offset))
                {
                    if (offset % ArenaAllocator.Alignment != 0 || offset + wanted > arena.Limit
                        || taken.Exists(t => t.Offset < offset + wanted && offset < t.Offset + t.Size))
                        return false;
                    taken.Add((offset, wanted));
                }
            }

            foreach ((long offset, int taken1) in taken)
                arena.Free(offset, taken1);
            return arena.InUse == 0 && arena.TryAllocate(arena.Limit, out long all) && all == 0;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Properties_come_back_and_damaged_ones_are_refused_or_read_without_a_crash()
    {
        Prop.ForAll<string, string, KeyValuePair<string, string>[]>((id, type, headers) =>
        {
            MessageProperties properties = new() { MessageId = id, ContentType = type };
            foreach ((string name, string value) in headers)
                properties.Headers[Sound(name)] = Sound(value);
            properties.MessageId = id is null ? null : Sound(id);
            properties.ContentType = type is null ? null : Sound(type);
            byte[] encoded = new byte[properties.EncodedLength()];
            properties.Encode(encoded);
            bool same = MessageProperties.TryDecode(encoded, out MessageProperties back)
                && string.Equals(back.MessageId, properties.MessageId, StringComparison.Ordinal)
                && string.Equals(back.ContentType, properties.ContentType, StringComparison.Ordinal) && back.CorrelationId is null
                && back.Headers.OrderBy(h => h.Key, StringComparer.Ordinal).SequenceEqual(properties.Headers.OrderBy(h => h.Key, StringComparer.Ordinal));
            for (int i = 0; i < encoded.Length; i++)
            {
                byte[] damaged = [.. encoded];
                damaged[i] ^= (byte)(1 << (i % 8));
                MessageProperties.TryDecode(damaged, out _);
                MessageProperties.TryDecode(encoded.AsSpan(0, i), out _);
            }

            return same;
        }).QuickCheckThrowOnFailure();

        // Lone surrogates cannot be said in UTF-8 and become U+FFFD: not what this property is about.
        static string Sound(string? text) => text is null ? "" : new string([.. text.Where(c => !char.IsSurrogate(c))]);
    }
}
