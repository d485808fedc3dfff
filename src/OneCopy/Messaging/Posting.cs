using System.Runtime.InteropServices;
using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>
/// What a participant has posted, by its file: enough to know whose business it is. The place itself is not here, where others could
/// change it, but in the poster's own memory.
/// </summary>
internal readonly record struct Posting(ulong Tag, nuint Place, long Owner, int Block, uint Generation, int Pieces, bool IsForBoth, SharedName Buffer);

/// <summary>
/// The place that a message may be copied to, as it lies in the private memory of its poster. Whoever writes there reads this first, out of
/// the process that it is about to write to: the nonce says that it is the right process, the tag that it is the right posting. So a
/// file that was tampered with leads no write astray.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PostedPlace
{
    public const int LandingOffset = 56;

    public Guid Nonce;
    public ulong Tag;
    public nuint Address;
    public long Length;

    /// <summary>Where in the payload the place begins.</summary>
    public long PayloadOffset;

    /// <summary>Bytes of each piece but the last: shorter for shorter places, so that the end is no wait for one long piece.</summary>
    public long PieceLength;

    /// <summary>The owner's nonce, written by it behind each piece and in the same call: the proof for the poster that it wrote here.</summary>
    public Guid Landing;

    /// <summary>
    /// The same in a buffer's label, for an owner that has it mapped. The tag is taken away before and comes last: several copies may have their places there, one after the other, and who reads must not take some of each. Under the buffer's lock.
    /// </summary>
    public readonly unsafe void WriteTo(SharedLabel label)
    {
        PostedPlace* there = (PostedPlace*)label.Room(Tag);
        Volatile.Write(ref there->Tag, 0);
        Volatile.WriteBarrier();
        (there->Nonce, there->Address, there->Length, there->PayloadOffset, there->PieceLength, there->Landing) = (Nonce, Address, Length, PayloadOffset, PieceLength, default);
        Volatile.Write(ref there->Tag, Tag);
    }

    /// <summary>It is over: who brings the tag up again finds nothing. Under the buffer's lock; another's may be there by now.</summary>
    public static unsafe void Clear(SharedLabel label, ulong tag)
    {
        PostedPlace* there = (PostedPlace*)label.Room(tag);
        if (Volatile.Read(ref there->Tag) == tag)
            Volatile.Write(ref there->Tag, 0);
    }

    /// <summary>False: another's is there by now.</summary>
    public static unsafe bool TryReadFrom(SharedLabel label, ulong tag, out PostedPlace place)
    {
        PostedPlace* there = (PostedPlace*)label.Room(tag);
        bool isThere = Volatile.Read(ref there->Tag) == tag;
        place = *there;
        Volatile.ReadBarrier();
        place.Tag = tag;
        return isThere && Volatile.Read(ref there->Tag) == tag;
    }

    /// <summary>Whether it is what was posted under this tag, and inside a payload of this length.</summary>
    public readonly bool IsGood(Guid nonce, ulong tag, long payloadLength) =>
        Nonce == nonce && Tag == tag && Address != 0 && Length is > 0 and <= PostingLayout.MaxLength
        && Address <= nuint.MaxValue - (nuint)Length && PayloadOffset >= 0 && PayloadOffset <= payloadLength - Length
        && PieceLength is >= PostingLayout.MinPieceLength and <= PostingLayout.MaxPieceLength && Length <= PieceLength * PostingLayout.MaxPieces;
}
