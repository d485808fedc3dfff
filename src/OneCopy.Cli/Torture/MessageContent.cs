using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace OneCopy.Cli.Torture;

/// <summary>
/// The bytes of a message: its number, the run's seed and its length in front, and behind them words that only this message has at these
/// places. Every byte is checked by its receiver.
/// </summary>
internal static class MessageContent
{
    public const int LeastLength = 24;

    private const ulong Golden = 0x9E3779B97F4A7C15;

    public static void Fill(Span<byte> payload, ulong number, ulong seed)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(payload, number);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[8..], seed);
        BinaryPrimitives.WriteInt64LittleEndian(payload[16..], payload.Length);
        ulong key = KeyOf(number, seed);
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(payload[LeastLength..]);
        for (int i = 0; i < words.Length; i++)
            words[i] = WordAt(key, i);
        Span<byte> tail = payload[(LeastLength + (words.Length * 8))..];
        for (int i = 0; i < tail.Length; i++)
            tail[i] = TailAt(key, i);
    }

    /// <summary>The number that a payload claims; 0 if it is too short to have one.</summary>
    public static ulong NumberOf(ReadOnlySpan<byte> payload) => payload.Length < LeastLength ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(payload);

    /// <summary>
    /// Of messages that were copied one behind the other into memory that was cleared; of the last one perhaps not all bytes. Whatever is behind them, such as the rest of a longer one that was copied there before, begins
    /// with no number and seed of the run.
    /// </summary>
    public static List<ulong> NumbersIn(ReadOnlySpan<byte> place, ulong seed)
    {
        List<ulong> numbers = [];
        while (NumberOf(place) is not 0 and ulong number)
        {
            long length = BinaryPrimitives.ReadInt64LittleEndian(place[16..]);
            if (BinaryPrimitives.ReadUInt64LittleEndian(place[8..]) != seed || length < LeastLength || length > place.Length)
                break;
            numbers.Add(number);
            place = place[(int)length..];
        }

        return numbers;
    }

    public static bool IsRight(ReadOnlySpan<byte> payload, ulong number, ulong seed)
    {
        if (payload.Length < LeastLength || NumberOf(payload) != number || BinaryPrimitives.ReadUInt64LittleEndian(payload[8..]) != seed
            || BinaryPrimitives.ReadInt64LittleEndian(payload[16..]) != payload.Length)
            return false;
        ulong key = KeyOf(number, seed);
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(payload[LeastLength..]);
        ulong different = 0;
        for (int i = 0; i < words.Length; i++)
            different |= words[i] ^ WordAt(key, i);
        ReadOnlySpan<byte> tail = payload[(LeastLength + (words.Length * 8))..];
        for (int i = 0; i < tail.Length; i++)
            different |= (uint)(tail[i] ^ TailAt(key, i));
        return different == 0;
    }

    private static ulong KeyOf(ulong number, ulong seed)
    {
        ulong z = number + (seed * Golden);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static ulong WordAt(ulong key, int index) => key ^ ((ulong)(uint)index * Golden);

    private static byte TailAt(ulong key, int index) => (byte)(key >> (8 * (index & 7)));
}
