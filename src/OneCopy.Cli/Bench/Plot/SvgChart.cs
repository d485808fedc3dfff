using System.Xml;

namespace OneCopy.Cli.Bench.Plot;

/// <summary>Writes a <see cref="Chart"/> as SVG: a picture that needs no fonts, scripts or files of its own.</summary>
internal sealed partial class SvgChart
{
    private const string Namespace = "http://www.w3.org/2000/svg";
    private const double PanelWidth = 580;
    private const double PanelHeight = 400;
    private const double HeadHeight = 84;
    private const double Margin = 24;
    private const double LegendLine = 22;
    private const double LegendTop = 12;
    private const double FootHeight = 12;

    // An average character of a sans-serif font, in parts of its size; legends are laid out by it.
    private const double CharacterWidth = 0.6;
    private const double Small = 13;
    private const double Big = 22;

    // Told apart by people who do not see all colours (Okabe and Ito), and by their marks.
    private static readonly string[] s_colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c564b", "#7f7f7f", "#6a3d9a"];

    private readonly XmlWriter _xml;

    private SvgChart(XmlWriter xml) => _xml = xml;

    public static void Write(Chart chart, string path)
    {
        using XmlWriter xml = XmlWriter.Create(path, new XmlWriterSettings { Indent = true, CloseOutput = true });
        new SvgChart(xml).Write(chart);
    }

    private void Write(Chart chart)
    {
        int columns = chart.Rows.Count == 0 ? 1 : chart.Rows.Max(r => r.Panels.Count);
        double width = (2 * Margin) + (columns * PanelWidth);
        double height = HeadHeight + chart.Rows.Sum(r => RowHeight(r, width)) + FootHeight;
        _xml.WriteStartElement("svg", Namespace);
        _xml.WriteAttributeString("viewBox", $"0 0 {N(width)} {N(height)}");
        _xml.WriteAttributeString("width", N(width));
        _xml.WriteAttributeString("height", N(height));
        _xml.WriteAttributeString("font-family", "'DejaVu Sans', Verdana, Arial, sans-serif");
        _xml.WriteElementString("title", Namespace, chart.Title);
        Element("rect", ("width", N(width)), ("height", N(height)), ("fill", "white"));
        Text(Margin, 36, chart.Title, Big, "start", bold: true);
        Text(Margin, 60, chart.Subtitle, Small, "start");
        double y = HeadHeight;
        foreach (PanelRow row in chart.Rows)
        {
            Row(row, y, width);
            y += RowHeight(row, width);
        }

        _xml.WriteEndElement();
    }

    private void Row(PanelRow row, double top, double width)
    {
        string[] names = NamesOf(row);
        for (int i = 0; i < row.Panels.Count; i++)
            PanelAt(row.Panels[i], names, Margin + (i * PanelWidth), top);
        double x = Margin + PanelLeft, y = top + PanelHeight + LegendTop;
        for (int i = 0; i < names.Length; i++)
        {
            double wide = LegendWidth(names[i]);
            if (x + wide > width - Margin)
                (x, y) = (Margin + PanelLeft, y + LegendLine);
            string colour = s_colours[i % s_colours.Length];
            Element("line", ("x1", N(x)), ("y1", N(y)), ("x2", N(x + 28)), ("y2", N(y)), ("stroke", colour), ("stroke-width", "2.5"));
            Mark(i, x + 14, y, colour);
            Text(x + 34, y + 4.5, names[i], Small, "start");
            x += wide;
        }
    }

    private static double RowHeight(PanelRow row, double width)
    {
        double x = Margin + PanelLeft;
        int lines = 1;
        foreach (string name in NamesOf(row))
        {
            if (x + LegendWidth(name) > width - Margin)
                (x, lines) = (Margin + PanelLeft, lines + 1);
            x += LegendWidth(name);
        }

        return PanelHeight + LegendTop + (lines * LegendLine) + FootHeight;
    }

    private static double LegendWidth(string name) => 34 + (name.Length * Small * CharacterWidth) + 20;

    private static string[] NamesOf(PanelRow row) => [.. row.Panels.SelectMany(p => p.Lines).Select(l => l.Name).Distinct(StringComparer.Ordinal)];

    private static string N(double value) => Math.Round(value, 2).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
