namespace OneCopy.Messaging;

/// <summary>
/// Offsets in a slot of a participant's postings: that it lets a message be copied into its memory, and who has taken which part of it.
/// Posting, cursor and marks lie in different cache lines: one side writes each of them most.
/// </summary>
internal static class PostingLayout
{
    public const int Slots = 8;
    public const int SlotSize = 512;

    /// <summary>Names this use of the slot, and no other in the life of the file; 0 = nothing is posted.</summary>
    public const int TagOffset = 0;

    /// <summary>Where in the poster's memory its <see cref="PostedPlace"/> is.</summary>
    public const int PlaceOffset = 8;

    /// <summary>The incarnation of the message's owner, its block and its generation.</summary>
    public const int OwnerOffset = 16;
    public const int BlockOffset = 24;
    public const int GenerationOffset = 28;

    /// <summary>How many pieces there are, for those who only ask whether one is left. What counts is the <see cref="PostedPlace"/>.</summary>
    public const int PiecesOffset = 32;

    /// <summary>1: its poster pulls too, and does without help that is refused.</summary>
    public const int IsForBothOffset = 36;

    /// <summary>The name of the buffer that the place lies in; none if it is in no such.</summary>
    public const int BufferOffset = 40;

    /// <summary>
    /// { tag:48, taken from the back:8, from the front:8 }: whoever counts one more has taken that piece, the poster from the front and the owner from the back. So each has mostly the same ones of one message after the
    /// other, and their lines are in its processor's cache.
    /// </summary>
    public const int CursorOffset = 128;

    /// <summary>One for each piece: { errno:8, mark:8 }.</summary>
    public const int MarksOffset = 256;

    /// <summary>As in a pull: long enough that the calls cost nothing beside the copy, short enough to cancel soon.</summary>
    public const int MaxPieceLength = 512 * 1024;

    /// <summary>Below, a call costs a third of what it copies.</summary>
    public const int MinPieceLength = 16 * 1024;

    /// <summary>Of what both copy.</summary>
    public const int SmallestSharedPiece = 64 * 1024;

    public const int MaxPieces = 128;

    /// <summary>The longest piece of memory that one slot can post; longer ones are posted part by part.</summary>
    public const long MaxLength = (long)MaxPieces * MaxPieceLength;

    /// <summary>More from each side than there are pieces.</summary>
    public const int ClosedCursor = 0xffff;

    public static int PiecesOf(long length, long pieceLength) => (int)((length + pieceLength - 1) / pieceLength);

    /// <summary>
    /// For two to share: four pieces of a message of 1 MiB, whole pages. Each costs two calls of 2 µs and more, and the last one is what one of the two waits for: eight pieces were
    /// a tenth slower, two were no faster.
    /// </summary>
    public static long SharedPieceLength(long length) => Math.Clamp((length / 4) & ~4095L, SmallestSharedPiece, MaxPieceLength);

    /// <summary>Where neither needs the kernel: a piece costs an exchange or two.</summary>
    public static long MappedPieceLength(long length) => Math.Clamp((length / 8) & ~4095L, SmallestSharedPiece, MaxPieceLength);

    public static ulong Cursor(ulong tag, int taken) => (tag << 16) | (uint)taken;

    public static ulong TagOf(ulong cursor) => cursor >> 16;

    /// <summary>What is added to a cursor for a piece from the front, and for one from the back.</summary>
    public const ulong OneFromFront = 1;
    public const ulong OneFromBack = 0x100;

    public static int FrontOf(ulong cursor) => (int)(cursor & 0xff);

    public static int BackOf(ulong cursor) => (int)((cursor >> 8) & 0xff);

    public static int TakenOf(ulong cursor) => FrontOf(cursor) + BackOf(cursor);
}

/// <summary>What the owner of a message says of a piece of it that it took.</summary>
internal enum PieceMark : byte
{
    Open,
    Pushed,

    /// <summary>It could not be pushed; its errno is beside the mark.</summary>
    GivenBack,
}
